import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/02-list-offsets.ts'
import { deleteRecords } from '../../../src/protocol/messages/21-delete-records.ts'
import { batchesIn, type CodecName } from '../../../src/protocol/records/batch.ts'
import { readRecords, writeCompressedBatch } from '../../../src/protocol/records/record.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic } from './topics.ts'

const codecs: readonly CodecName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
const someMs = 1_700_000_000_000
const hourMs = 3_600_000
const longMin = -(2 ** 63)
const longMax = 2 ** 63

interface Place {
  readonly name: string
  readonly topicId: string
}

async function place(peer: Peer, name: string, configs: Readonly<Record<string, string>> = {}) {
  const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  return { name, topicId: await makeTopic(peer, name, { configs: list }) }
}

/** Shows a timestamp within 10 minutes of now as NOW: the two brokers append at different times. */
const shownMs = (ms: number) => (Math.abs(ms - Date.now()) < 10 * 60_000 ? 'NOW' : ms)

function batchOf(codec: CodecName, timesMs: readonly number[]): Promise<Buffer> {
  const records = timesMs.map((timestampMs, i) => ({
    key: null,
    value: Buffer.from(`value ${i}`),
    timestampMs,
  }))
  return writeCompressedBatch({ records }, codec)
}

async function send(peer: Peer, at: Place, records: Buffer, asked: string, version = 9) {
  const { responses } = await peer.quietly(produce, version, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ ...at, partitionData: [{ index: 0, records }] }],
  })
  const [answer] = responses[0].partitionResponses
  const logAppendTimeMs = shownMs(answer.logAppendTimeMs)
  peer.note(`Produce v${version} to ${at.name}: ${asked}`, { ...answer, logAppendTimeMs })
}

/** Every stored batch and its records, without the compressed bytes. */
async function readBack(peer: Peer, { name, topicId }: Place): Promise<void> {
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 24 }]
  const topics = [{ topic: name, topicId, partitions }]
  const answer = await peer.quietly(fetch, 12, {
    ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1 << 24, topics, forgottenTopicsData: [] },
  })
  const { records, ...rest } = answer.responses[0].partitions[0]
  peer.note(`Fetch of ${name}`, rest)
  for (const batch of batchesIn(records ?? Buffer.alloc(0))) {
    const { baseOffset, lastOffset, codec, isLogAppendTime } = batch
    const inside = await readRecords(batch)
    peer.note(`${name}: the batch at ${baseOffset}`, {
      ...{ baseOffset, lastOffset, codec, isLogAppendTime },
      base: shownMs(batch.baseTimestamp),
      max: shownMs(batch.maxTimestamp),
      records: inside.map(({ offset, timestampMs, value }) => ({
        ...{ offset, at: shownMs(timestampMs), value: value?.toString() },
      })),
    })
  }
}

async function ask(peer: Peer, { name }: Place, timestamp: number, version: number) {
  const partitions = [{ partitionIndex: 0, timestamp }]
  const answer = await peer.quietly(listOffsets, version, {
    ...{ replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] },
  })
  const [found] = answer.topics[0].partitions
  const what = `ListOffsets v${version} of ${name} at ${shownMs(timestamp)}`
  peer.note(what, { ...found, timestamp: shownMs(found.timestamp) })
}

/** The greatest timestamp, and records by time. */
async function askAll(peer: Peer, at: Place, version: number) {
  const times = [-3, -2, -1, 0, 1, someMs, someMs + 1, someMs + hourMs, someMs + hourMs + 1]
  for (const timestamp of times) await ask(peer, at, timestamp, version)
}

async function cut(peer: Peer, { name }: Place, offset: number): Promise<void> {
  const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }]
  await peer.ask(deleteRecords, 2, { topics, timeoutMs: 10_000 })
}

/** ListOffsets -3 for records without timestamps, and for several records with the same one. */
const maxTimestampScenario: Scenario = {
  api: listOffsets,
  title: 'the greatest timestamp',
  versions: [6, 7, 11],
  run: async (peer, version) => {
    const empty = await place(peer, `greatest.empty.${version}`)
    await askAll(peer, empty, version)
    for (const codec of ['none', 'gzip'] as const) {
      const at = await place(peer, `greatest.${codec}.${version}`)
      await send(peer, at, await batchOf(codec, [-1, -1]), 'without times')
      await askAll(peer, at, version)
      await send(peer, at, await batchOf(codec, [0]), 'of time 0')
      await askAll(peer, at, version)
      for (let i = 0; i < 3; i++) {
        const times = [someMs, someMs + hourMs, someMs + hourMs, someMs]
        await send(peer, at, await batchOf(codec, times), 'two of the greatest time')
      }
      await send(peer, at, await batchOf(codec, [-1, -1]), 'without times again')
      await askAll(peer, at, version)
      for (const offset of [4, 5, 6, 8, 14, 15, 17]) {
        await cut(peer, at, offset)
        await askAll(peer, at, version)
      }
    }
  },
}

const oddTimes: readonly (readonly [what: string, ...timesMs: number[]])[] = [
  ['a usual time', someMs, someMs + 5],
  ['no time', -1],
  ['no time and a usual one', -1, someMs],
  ['a usual time and none', someMs, -1],
  ['-2', -2],
  ['0', 0],
  ['a time before the epoch', someMs, -5],
  ['the least of all', longMin],
  ['the greatest of all', longMax],
  ['a time too far behind', someMs - 10 * hourMs, someMs],
  ['a time of 2286', 9_999_999_999_999],
]

/** Impossible timestamps, in batches that are kept and in batches that are rewritten. */
const oddTimeScenarios: readonly Scenario[] = ['CreateTime', 'LogAppendTime'].map((type) => ({
  api: produce,
  title: `odd times where ${type} counts`,
  versions: [9],
  run: async (peer) => {
    for (const target of ['producer', 'uncompressed', 'gzip', 'zstd']) {
      const at = await place(peer, `odd.${type}.${target}`, {
        ...{ 'message.timestamp.type': type, 'compression.type': target },
        'retention.ms': '-1',
      })
      const narrow = await place(peer, `narrow.${type}.${target}`, {
        ...{ 'message.timestamp.type': type, 'compression.type': target, 'retention.ms': '-1' },
        'message.timestamp.before.max.ms': '1000000000',
        'message.timestamp.after.max.ms': '1000',
      })
      for (const codec of codecs) {
        for (const [what, ...timesMs] of oddTimes) {
          const records = await batchOf(codec, timesMs)
          await send(peer, at, records, `${codec}, ${what}`)
          await send(peer, narrow, records, `${codec}, ${what}`)
        }
        await send(peer, narrow, await batchOf(codec, [Date.now()]), `${codec}, now`)
      }
      for (const one of [at, narrow]) {
        await readBack(peer, one)
        for (const timestamp of [0, someMs, 9_000_000_000_000]) await ask(peer, one, timestamp, 7)
        // The last record of this moment depends on the clock.
        if (type === 'CreateTime') await ask(peer, one, -3, 7)
      }
    }
  },
}))

export const timeScenarios = [maxTimestampScenario, ...oddTimeScenarios]
