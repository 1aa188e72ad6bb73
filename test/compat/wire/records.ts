import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/02-list-offsets.ts'
import { initProducerId } from '../../../src/protocol/messages/22-init-producer-id.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/23-offset-for-leader-epoch.ts'
import { type BatchToWrite, writeBatch } from '../../../src/protocol/records/record.ts'
import { until } from '../kafkajs/client.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic, nobodysId } from './topics.ts'

/** A batch of `count` records a second apart, the first at `fromMs`. */
function batch(
  count: number,
  fromMs = 1_700_000_000_000,
  more: Partial<BatchToWrite> = {},
): Buffer {
  const records = Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`k${i}`),
    value: Buffer.from(`value ${i}`),
    timestampMs: fromMs + i * 1000,
  }))
  return writeBatch({ records, ...more })
}

interface Place {
  readonly name: string
  readonly topicId: string
}

const asProduce = (at: Place, records: Buffer, more: object = {}, index = 0) => ({
  transactionalId: null,
  acks: -1,
  timeoutMs: 5_000,
  topicData: [{ ...at, partitionData: [{ index, records }] }],
  ...more,
})

/** Fills a new topic with three batches of ten records: offsets 0 to 29. */
async function filled(peer: Peer, name: string): Promise<Place> {
  const at = { name, topicId: await makeTopic(peer, name) }
  for (let i = 0; i < 3; i++) {
    const records = batch(10, 1_700_000_000_000 + i * 10_000)
    await peer.quietly(produce, 9, asProduce(at, records))
  }
  return at
}

export const recordScenarios: readonly Scenario[] = [
  {
    api: produce,
    run: async (peer, version) => {
      const name = `produce.${version}`
      const at = { name, topicId: await makeTopic(peer, name, { numPartitions: 2 }) }
      const ask = (records: Buffer, more: object = {}, index = 0) =>
        peer.ask(produce, version, asProduce(at, records, more, index))
      await ask(batch(3))
      await ask(batch(2), { acks: 1 })
      await ask(batch(1), { acks: 2 })
      await ask(batch(1), {}, 1)
      await ask(batch(1), {}, 7)
      await ask(batch(1), {}, -1)
      await ask(Buffer.alloc(0))
      await ask(Buffer.alloc(20))
      await ask(Buffer.concat([batch(1), batch(1)]))
      await ask(batch(5).subarray(0, -1))
      const corrupt = batch(5)
      corrupt[corrupt.length - 1]! ^= 1
      await ask(corrupt)
      await ask(batch(1, -5))
      await ask(batch(1, 9_000_000_000_000))
      const oldMagic = batch(1)
      oldMagic[16] = 9
      await ask(oldMagic)
      const wrongOffsets = batch(3, undefined, { baseOffset: 77, leaderEpoch: 5 })
      await ask(wrongOffsets)
      await ask(batch(1, undefined, { isControl: true }))
      await ask(batch(30_000))
      const elsewhere = { name: 'absent', topicId: nobodysId }
      await peer.ask(produce, version, asProduce(elsewhere, batch(1)))
      await peer.ask(produce, version, { ...asProduce(at, batch(1)), topicData: [] })
      const line = peer.open()
      line.tell(produce, version, asProduce(at, batch(4), { acks: 0 }))
      await until('what needs no answer has been written', async () => {
        const partitions = [{ partitionIndex: 0, timestamp: -1 }]
        const query = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] }
        const answer = await peer.quietly(listOffsets, 6, query)
        return answer.topics[0].partitions[0].offset === 10
      })
      await readBack(peer, at)
      line.close()
    },
  },
  {
    api: produce,
    title: 'with a producer id',
    run: async (peer, version) => {
      const name = `idempotent.${version}`
      const at = { name, topicId: await makeTopic(peer, name) }
      const asked = { transactionalId: null, transactionTimeoutMs: 60_000 }
      let producerId = -1
      await until('a producer id', async () => {
        producerId = (await peer.quietly(initProducerId, 4, asked)).producerId
        return producerId >= 0
      })
      const send = (baseSequence: number, count: number, producerEpoch = 0) =>
        peer.ask(
          produce,
          version,
          asProduce(at, batch(count, undefined, { producerId, producerEpoch, baseSequence })),
        )
      await send(0, 3)
      await send(0, 3) // again: the same offset
      await send(3, 2)
      await send(6, 1) // one is missing
      await send(0, 3) // still within the five that are remembered
      await send(4, 2)
      for (let i = 5; i < 10; i++) await send(i, 1)
      await send(0, 3) // forgotten by now
      await send(1, 1, 1) // a new epoch must begin at 0
      await send(0, 1, 1)
      await send(10, 1, 0) // the old epoch is fenced
      const twice = [0, 1].map((i) =>
        batch(1, undefined, { producerId, producerEpoch: 1, baseSequence: 1 + i }),
      )
      await peer.ask(produce, version, asProduce(at, Buffer.concat(twice)))
      const unknown = { producerId: 987_654, producerEpoch: 3, baseSequence: 41 }
      await peer.ask(produce, version, asProduce(at, batch(1, undefined, unknown)))
      const transactional = { ...unknown, isTransactional: true }
      await peer.ask(produce, version, asProduce(at, batch(1, undefined, transactional)))
      await readBack(peer, at)
    },
  },
  { api: fetch, run: fetchAround },
  { api: fetch, title: 'sessions', run: fetchInSessions },
  {
    api: listOffsets,
    run: async (peer, version) => {
      const { name } = await filled(peer, `offsets.${version}`)
      const ask = (timestamp: number, more: object = {}, partitionIndex = 0, topic = name) =>
        peer.ask(listOffsets, version, {
          replicaId: -1,
          isolationLevel: 0,
          timeoutMs: 5_000,
          topics: [{ name: topic, partitions: [{ partitionIndex, timestamp, ...more }] }],
        })
      for (const special of [-1, -2, -3, -4, -5, -6, -7]) await ask(special)
      for (const second of [-1, 0, 0.5, 7, 10, 19.5, 29, 30]) {
        await ask(1_700_000_000_000 + second * 1000)
      }
      await ask(-1, {}, 4)
      await ask(-1, {}, 0, 'absent')
      if (version >= 4) for (const epoch of [0, 3]) await ask(-1, { currentLeaderEpoch: epoch })
      await peer.ask(listOffsets, version, {
        replicaId: -1,
        isolationLevel: 1,
        timeoutMs: 5_000,
        topics: [{ name, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      })
    },
  },
  {
    api: offsetForLeaderEpoch,
    run: async (peer, version) => {
      const { name } = await filled(peer, `epochs.${version}`)
      const ask = (leaderEpoch: number, currentLeaderEpoch = -1, topic = name, partition = 0) =>
        peer.ask(offsetForLeaderEpoch, version, {
          replicaId: -1,
          topics: [{ topic, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }],
        })
      for (const epoch of [0, 1, -1, 5]) await ask(epoch)
      await ask(0, 0)
      await ask(0, 4)
      await ask(0, -1, 'absent')
      await ask(0, -1, name, 3)
    },
  },
  {
    api: initProducerId,
    run: async (peer, version) => {
      const ask = (more: object = {}) =>
        peer.ask(initProducerId, version, {
          transactionalId: null,
          transactionTimeoutMs: 60_000,
          ...more,
        })
      await ask()
      await ask()
      await ask({ transactionTimeoutMs: -1 })
      await ask({ transactionalId: '' })
      if (version >= 3) await ask({ producerId: 1000, producerEpoch: 2 })
    },
  },
]

/** Notes all bytes of partition 0. */
async function readBack(peer: Peer, { name, topicId }: Place): Promise<void> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }]
  const topics = [{ topic: name, topicId, partitions }]
  await peer.ask(fetch, 12, { maxWaitMs: 0, minBytes: 0, topics, forgottenTopicsData: [] })
}

async function fetchAround(peer: Peer, version: number): Promise<void> {
  const { name, topicId } = await filled(peer, `fetch.${version}`)
  const ask = (partition: object, more: object = {}, topic = { topic: name, topicId }) =>
    peer.ask(fetch, version, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ ...topic, partitions: [{ ...usual, ...partition }] }],
      forgottenTopicsData: [],
      ...more,
    })
  const usual = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }
  for (const fetchOffset of [0, 5, 10, 29, 30, 31, -1]) await ask({ fetchOffset })
  await ask({ partitionMaxBytes: 1 })
  await ask({ partitionMaxBytes: 0 })
  await ask({ partitionMaxBytes: 400 })
  await ask({}, { maxBytes: 1 })
  await ask({}, { maxBytes: 500 })
  await ask({}, { isolationLevel: 1 })
  await ask({}, { minBytes: 1, maxWaitMs: 500 })
  await ask({ fetchOffset: 30 }, { minBytes: 1, maxWaitMs: 50 })
  await ask({ partition: 3 })
  await ask({}, {}, { topic: 'absent', topicId: nobodysId })
  if (version >= 9) for (const currentLeaderEpoch of [0, 4]) await ask({ currentLeaderEpoch })
  if (version >= 12) for (const lastFetchedEpoch of [0, 4]) await ask({ lastFetchedEpoch })
  await peer.ask(fetch, version, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [],
    forgottenTopicsData: [],
  })
  const partitions = [usual, { ...usual, fetchOffset: 10 }]
  await peer.ask(fetch, version, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: name, topicId, partitions }],
    forgottenTopicsData: [],
  })
}

async function fetchInSessions(peer: Peer, version: number): Promise<void> {
  if (version < 7) return
  const a = await filled(peer, `session.a.${version}`)
  const b = await filled(peer, `session.b.${version}`)
  const of = ({ name, topicId }: Place, fetchOffset: number) => ({
    topic: name,
    topicId,
    partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }],
  })
  const forget = ({ name, topicId }: Place) => ({ topic: name, topicId, partitions: [0] })
  let sessionId = 0
  const ask = async (sessionEpoch: number, topics: object[], forgotten: object[] = []) => {
    const answer = await peer.ask(fetch, version, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionId,
      sessionEpoch,
      topics,
      forgottenTopicsData: forgotten,
    })
    if (sessionEpoch === 0) sessionId = answer.sessionId
  }
  await ask(0, [of(a, 0), of(b, 30)])
  await ask(1, [of(a, 30)])
  await ask(2, [])
  await peer.quietly(produce, 9, asProduce(b, batch(2)))
  await ask(3, [])
  await ask(4, [], [forget(b)])
  await ask(5, [of({ name: 'absent', topicId: nobodysId }, 0)])
  await ask(9, []) // not the next epoch
  await ask(6, [of(a, 99)])
  sessionId += 1
  await ask(1, []) // nobody's session
  sessionId -= 1
  await ask(-1, [of(a, 20)]) // closes it
  await ask(7, [])
}
