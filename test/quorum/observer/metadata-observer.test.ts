import { expect, test } from 'vitest'
import { ChannelFault } from '../../../src/channel/channel.ts'
import { metadataRecord } from '../../../src/metadata/records.ts'
import { errorCode } from '../../../src/protocol/errors.ts'
import { removeTopicRecord } from '../../../src/protocol/stored/metadata/09-remove-topic-record.ts'
import { beginTransactionRecord } from '../../../src/protocol/stored/metadata/23-begin-transaction-record.ts'
import { endTransactionRecord } from '../../../src/protocol/stored/metadata/24-end-transaction-record.ts'
import { abortTransactionRecord } from '../../../src/protocol/stored/metadata/25-abort-transaction-record.ts'
import { type FaultRules, noFaults } from '../../../src/sim/faulty-network.ts'
import { settle } from '../../coordinator/group/stepped-clock.ts'
import { newSeeds, seededWords } from '../../seeded.ts'
import type { FakeQuorum } from './fake-quorum.ts'
import { leaderChangeBatch, recordBatch } from './fake-quorum.ts'
import { observe, plain, topicRecords, topicsOf } from './observers.ts'

const begin = metadataRecord(beginTransactionRecord, {})
const end = metadataRecord(endTransactionRecord, {})
const abort = metadataRecord(abortTransactionRecord, { reason: 'a test' })

const poorNetwork: Partial<FaultRules> = {
  ...{ delayMsMax: 50, requestLost: 0.01, responseLost: 0.01, connectionCut: 0.05 },
  ...{ duplicated: 0.05, duplicateDelayMsMax: 50, connectionRefused: 0.05 },
}

/** A quorum whose second epoch is led by 3001, with the committed topics t and u. */
function twoTopics(quorum: FakeQuorum): void {
  quorum.elect(3001)
  quorum.append(topicRecords('t'))
  quorum.append(topicRecords('u'))
  quorum.commit()
}

/** The same, which nobody can reach yet. */
function hidden(quorum: FakeQuorum): void {
  twoTopics(quorum)
  for (const { port } of quorum.bootstrap) quorum.down.add(port)
}

test('finds the leader by any node of the quorum, and follows it', async () => {
  for (const seed of [1, 2, 3]) {
    const { observer, clock, quorum } = observe({ before: twoTopics, seed })
    await clock.advance(100)
    await observer.caughtUp()
    expect(topicsOf(observer.image)).toBe('t,u')
    expect(observer.appliedOffset).toBe(4)
    expect(observer.controller).toEqual({ nodeId: 3001, host: 'quorum', port: 3001 })
    quorum.append(topicRecords('v'))
    quorum.commit()
    await settle()
    await settle()
    expect(topicsOf(observer.image)).toBe('t,u,v')
    expect(quorum.inFlight).toBe(1)
    await observer.close()
    expect(quorum.inFlight).toBe(0)
    expect(quorum.openChannels).toBe(0)
  }
})

test('the first Fetch is that of an empty observer; later ones name its end', async () => {
  const { observer, clock, quorum } = observe({ before: twoTopics })
  await clock.advance(100)
  const [first] = quorum.asked
  const last = quorum.asked.at(-1)!
  expect(first!.fetch).toMatchObject({
    ...{ clusterId: 'clusterAAAAAAAAAAAAAAA', maxWaitMs: 500, minBytes: 0, maxBytes: 1048576 },
    replicaState: { replicaId: 1, replicaEpoch: -1 },
    ...{ sessionId: 0, sessionEpoch: -1 },
  })
  const partition = { partition: 0, logStartOffset: -1, partitionMaxBytes: 0 }
  expect(first!.fetch!.topics).toEqual([
    {
      ...{ topic: '', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' },
      partitions: [
        {
          ...partition,
          ...{ currentLeaderEpoch: 0, fetchOffset: 0, lastFetchedEpoch: 0, highWatermark: -1 },
          replicaDirectoryId: 'directoryAAAAAAAAAAAAA',
        },
      ],
    },
  ])
  expect(last.port).toBe(3001)
  expect(last.fetch!.topics[0]!.partitions[0]).toMatchObject({
    ...{ currentLeaderEpoch: 2, fetchOffset: 5, lastFetchedEpoch: 2, highWatermark: 5 },
  })
  await observer.close()
})

test('while nothing happens two requests a second are sent, and no more by a hasty peer', async () => {
  const { observer, clock, quorum } = observe({ before: twoTopics })
  await clock.advance(1000)
  const before = quorum.asked.length
  await clock.advance(10_000)
  expect(quorum.asked.length - before).toBeLessThanOrEqual(20)
  quorum.script = () => quorum.fetchAnswer({})
  const hasty = quorum.asked.length
  await clock.advance(1000)
  expect(quorum.asked.length - hasty).toBeLessThanOrEqual(1000 / 20 + 1)
  expect(quorum.asked.length - hasty).toBeGreaterThan(10)
  await observer.close()
})

test('during an election it keeps asking, and an older epoch is not believed', async () => {
  const { observer, clock, quorum, lines, faults } = observe({ before: twoTopics })
  const controllers: (number | null)[] = []
  observer.onController((controller) => void controllers.push(controller?.nodeId ?? null))
  await clock.advance(100)
  quorum.depose()
  await clock.advance(200)
  expect(observer.controller).toBeNull()
  // A node that was cut off still believes in the first epoch.
  const old = { leaderId: 3000, leaderEpoch: 1 }
  quorum.script = ({ port }) =>
    port === 3000
      ? quorum.fetchAnswer({ errorCode: errorCode('UNKNOWN_LEADER_EPOCH'), currentLeader: old })
      : undefined
  await clock.advance(200)
  expect(observer.controller).toBeNull()
  quorum.elect(3002)
  quorum.append(topicRecords('v'))
  quorum.commit()
  await clock.advance(200)
  expect(observer.controller?.nodeId).toBe(3002)
  expect(topicsOf(observer.image)).toBe('t,u,v')
  expect(controllers).toEqual([3001, null, 3002])
  // The first one is not news.
  const told = lines.filter((line) => line.includes(' controller leads'))
  expect(told).toHaveLength(2)
  expect(told[0]).toContain('no controller leads')
  expect(told[1]).toContain('another controller leads {"epoch":4,"controller":3002')
  expect(faults).toEqual([])
  const epochs = quorum.asked.map(
    ({ fetch }) => fetch!.topics[0]!.partitions[0]!.currentLeaderEpoch,
  )
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b))
  await observer.close()
})

test('records of a leader that was deposed are not taken', async () => {
  const { observer, clock, quorum, faults } = observe({ before: twoTopics })
  await clock.advance(100)
  quorum.elect(3002)
  await clock.advance(1000)
  quorum.script = ({ port }) => {
    // It does not know yet, and has committed nothing since.
    if (port !== 3002) return undefined
    const records = recordBatch(6, 2, topicRecords('lost'))
    const currentLeader = { leaderId: 3001, leaderEpoch: 2 }
    return quorum.fetchAnswer({ records, highWatermark: 8, currentLeader })
  }
  await clock.advance(3000)
  const last = quorum.asked.at(-1)!.fetch!.topics[0]!.partitions[0]!
  expect(last).toMatchObject({ fetchOffset: 6, highWatermark: 5 })
  quorum.script = () => undefined
  quorum.append(topicRecords('v'))
  quorum.commit()
  await clock.advance(3000)
  expect(topicsOf(observer.image)).toBe('t,u,v')
  expect(faults).toEqual([])
  await observer.close()
})

test('a leader that dies, hangs or stops serving is left for the next one', async () => {
  const deaths: ((quorum: FakeQuorum) => void)[] = [
    (quorum) => void quorum.down.add(3001),
    (quorum) => void quorum.silent.add(3001),
    (quorum) => {
      const errorCode8 = errorCode('BROKER_NOT_AVAILABLE')
      quorum.script = ({ port }) =>
        port === 3001 ? quorum.fetchAnswer({ errorCode: errorCode8 }) : undefined
    },
  ]
  for (const die of deaths) {
    const { observer, clock, quorum, faults } = observe({ before: twoTopics })
    await clock.advance(100)
    die(quorum)
    await clock.advance(1500)
    quorum.elect(3000)
    quorum.append(topicRecords('v'))
    quorum.commit()
    await clock.advance(7000)
    expect(observer.controller?.nodeId).toBe(3000)
    expect(topicsOf(observer.image)).toBe('t,u,v')
    expect(faults).toEqual([])
    await observer.close()
  }
})

test('two leaders in one epoch end the observer', async () => {
  const { observer, clock, quorum, faults, lines } = observe({ before: twoTopics })
  await clock.advance(100)
  const another = { leaderId: 3002, leaderEpoch: 2 }
  quorum.script = () =>
    quorum.fetchAnswer({ errorCode: errorCode('NOT_LEADER_OR_FOLLOWER'), currentLeader: another })
  await clock.advance(1000)
  expect(faults.map(({ message }) => message)).toEqual([
    'the controllers 3001 and 3002 both lead in epoch 2',
  ])
  expect(lines.at(-1)).toContain('both lead in epoch 2')
  expect(topicsOf(observer.image)).toBe('t,u')
  await expect(observer.refreshed()).rejects.toThrow('both lead')
})

test('applies only what is committed; -1 does not take the high watermark back', async () => {
  const { observer, clock, quorum, faults } = observe({ before: twoTopics })
  await clock.advance(100)
  quorum.append(topicRecords('v'))
  await clock.advance(1000)
  expect(topicsOf(observer.image)).toBe('t,u')
  quorum.elect(3002, 5)
  quorum.append(topicRecords('w'))
  await clock.advance(1000)
  expect(topicsOf(observer.image)).toBe('t,u')
  const asked = quorum.asked.at(-1)!.fetch!.topics[0]!.partitions[0]!
  expect(asked).toMatchObject({ fetchOffset: 8, lastFetchedEpoch: 3, highWatermark: 5 })
  quorum.commit()
  await clock.advance(1000)
  expect(topicsOf(observer.image)).toBe('t,u,w')
  expect(faults).toEqual([])
  await observer.close()
})

test('a log that diverges below the high watermark has lost data: the observer ends', async () => {
  const { observer, clock, quorum, faults } = observe({ before: twoTopics })
  await clock.advance(100)
  quorum.elect(3002, 3)
  await clock.advance(1000)
  expect(faults).toHaveLength(1)
  expect(faults[0]!.message).toContain('below the high watermark 5')
  expect(topicsOf(observer.image)).toBe('t,u')
  await observer.close()
})

test('a divergence that changes nothing does not make it spin', async () => {
  const { observer, clock, quorum } = observe({ before: twoTopics })
  await clock.advance(100)
  quorum.script = ({ port }) =>
    port === 3001 ? quorum.fetchAnswer({ divergingEpoch: { epoch: 2, endOffset: 5 } }) : undefined
  const before = quorum.asked.length
  await clock.advance(1000)
  expect(quorum.asked.length - before).toBeLessThan(60)
  await observer.close()
})

test('a snapshot comes in small pieces, and topics that it lacks are told as deleted', async () => {
  const { observer, clock, quorum } = observe({
    before: twoTopics,
    limits: { snapshotMaxBytes: 100 },
  })
  const told: string[] = []
  const names = (topics: readonly { readonly name: string }[]) =>
    topics.map(({ name }) => name).sort()
  observer.listen('test', (image, { changed, deleted }) => {
    told.push(`${image.offset} ${topicsOf(image)} +${names(changed)} -${names(deleted)}`)
  })
  await clock.advance(100)
  for (const { port } of quorum.bootstrap) quorum.down.add(port)
  quorum.elect(3002)
  quorum.append([metadataRecord(removeTopicRecord, { topicId: 't'.padEnd(22, 'A') })])
  quorum.append(topicRecords('v'))
  quorum.commit()
  await quorum.snapshot()
  quorum.down.clear()
  await clock.advance(3000)
  expect(told).toEqual(['4 t,u +t,u -', '8 u,v +v -t'])
  const pieces = quorum.asked.filter(({ piece }) => piece !== null)
  expect(pieces.length).toBeGreaterThan(3)
  expect(pieces[1]!.piece!.topics[0]!.partitions[0]).toMatchObject({
    ...{ currentLeaderEpoch: 3, snapshotId: { endOffset: 9, epoch: 3 }, position: 100 },
    replicaDirectoryId: 'directoryAAAAAAAAAAAAA',
  })
  // It goes on in the log behind the snapshot.
  quorum.append(topicRecords('w'))
  quorum.commit()
  await clock.advance(100)
  expect(told.at(-1)).toBe('10 u,v,w +w -')
  await observer.close()
})

test('an error in the middle of a snapshot drops it, and a bootstrap node is asked', async () => {
  const { observer, clock, quorum } = observe({
    before: hidden,
    limits: { snapshotMaxBytes: 100 },
  })
  await quorum.snapshot()
  quorum.down.clear()
  let pieces = 0
  quorum.script = ({ piece }) =>
    piece !== null && ++pieces === 3 ? { errorCode: -1, topics: [] } : undefined
  await clock.advance(1000)
  expect(topicsOf(observer.image)).toBe('t,u')
  const kinds = quorum.asked.map(({ piece }) => (piece === null ? 'fetch' : 'piece')).join(' ')
  expect(kinds).toContain('piece piece piece fetch')
  await observer.close()
})

test('another leader’s snapshot is read from its start', async () => {
  const { observer, clock, quorum } = observe({ before: hidden, limits: { snapshotMaxBytes: 100 } })
  await quorum.snapshot()
  quorum.down.clear()
  let pieces = 0
  quorum.script = ({ piece }) => {
    if (piece === null || ++pieces !== 3) return undefined
    quorum.elect(3002)
    const partition = {
      ...{ index: 0, errorCode: errorCode('FENCED_LEADER_EPOCH'), size: 0, position: 0 },
      ...{ snapshotId: { endOffset: -1, epoch: -1 }, unalignedRecords: Buffer.alloc(0) },
      currentLeader: { leaderId: 3002, leaderEpoch: 3 },
    }
    const topics = [{ name: '__cluster_metadata', partitions: [partition] }]
    return { errorCode: 0, topics, nodeEndpoints: [quorum.endpoint(3002)] }
  }
  await clock.advance(3000)
  const asked = quorum.asked.flatMap(({ port, piece }) =>
    piece === null ? [] : [`${port} ${piece.topics[0]!.partitions[0]!.position}`],
  )
  expect(asked.slice(0, 4)).toEqual(['3001 0', '3001 100', '3001 200', '3002 0'])
  expect(topicsOf(observer.image)).toBe('')
  quorum.commit()
  await clock.advance(1000)
  expect(topicsOf(observer.image)).toBe('t,u')
  await observer.close()
})

test('a snapshot ends the transaction that was open before it', async () => {
  const { observer, clock, quorum, faults } = observe({ before: twoTopics })
  await clock.advance(100)
  quorum.append([begin, ...topicRecords('v')])
  quorum.commit()
  await clock.advance(1000)
  for (const { port } of quorum.bootstrap) quorum.down.add(port)
  quorum.append([end])
  quorum.commit()
  await quorum.snapshot()
  quorum.down.clear()
  await clock.advance(3000)
  expect(topicsOf(observer.image)).toBe('t,u,v')
  quorum.append([begin, ...topicRecords('w'), end])
  quorum.commit()
  await clock.advance(1000)
  expect(topicsOf(observer.image)).toBe('t,u,v,w')
  expect(faults).toEqual([])
  await observer.close()
})

test('a snapshot that is cut off or damaged is not taken', async () => {
  const spoilers: ((bytes: Buffer) => Buffer)[] = [
    (bytes) => bytes.subarray(0, bytes.length - 10),
    (bytes) => bytes.subarray(0, bytes.length - 80),
    (bytes) => {
      const spoilt = Buffer.from(bytes)
      spoilt[200]! ^= 1
      return spoilt
    },
  ]
  for (const spoil of spoilers) {
    const { observer, clock, quorum, lines, faults } = observe({ before: hidden })
    await quorum.snapshot()
    const [good] = quorum.snapshots
    quorum.snapshots = [{ id: good!.id, bytes: spoil(good!.bytes) }]
    quorum.down.clear()
    await clock.advance(500)
    expect(topicsOf(observer.image)).toBe('')
    expect(lines.join()).toContain('in a snapshot of the metadata')
    expect(faults).toEqual([])
    quorum.snapshots = [good!]
    await clock.advance(3000)
    expect(topicsOf(observer.image)).toBe('t,u')
    await observer.close()
  }
})

test('transactions over batches and fetches are applied at their end, or not at all', async () => {
  const { observer, clock, quorum } = observe({ before: twoTopics })
  const offsets: number[] = []
  observer.listen('test', ({ offset }) => void offsets.push(offset))
  const step = async (records: Parameters<FakeQuorum['append']>[0]) => {
    quorum.append(records)
    quorum.commit()
    await clock.advance(100)
    return `${observer.appliedOffset} ${topicsOf(observer.image)}`
  }
  await clock.advance(100)
  expect(await step([...topicRecords('v'), begin])).toBe('6 t,u,v')
  expect(await step(topicRecords('w'))).toBe('6 t,u,v')
  quorum.elect(3000)
  expect(await step([...topicRecords('x'), end, ...topicRecords('y')])).toBe('15 t,u,v,w,x,y')
  expect(await step([begin, ...topicRecords('z')])).toBe('15 t,u,v,w,x,y')
  expect(await step([abort])).toBe('19 t,u,v,w,x,y')
  expect(offsets).toEqual([4, 6, 15, 19])
  await observer.close()
})

test('records that this release does not know end the observer', async () => {
  const [topic] = topicRecords('later')
  const later = { of: { ...topic!.of, versions: [0, 9] as const }, version: 9, value: topic!.value }
  const unknown = { ...topic!, of: { ...topic!.of, key: 120 } }
  for (const [record, message] of [
    [later, 'TopicRecord version 9'],
    [unknown, 'metadata record type 120'],
    [end, 'without a BeginTransactionRecord'],
  ] as const) {
    const { observer, clock, quorum, faults, lines } = observe({ before: twoTopics })
    await clock.advance(100)
    quorum.append([record])
    await clock.advance(1000)
    expect(faults).toEqual([])
    quorum.commit()
    await clock.advance(1000)
    expect(faults).toHaveLength(1)
    expect(faults[0]!.message).toContain(message)
    expect(lines.at(-1)).toContain('can no longer be followed')
    expect(topicsOf(observer.image)).toBe('t,u')
    await observer.close()
  }
})

test('a listener that hangs ends neither the following nor the other listeners', async () => {
  const { observer, clock, quorum, lines } = observe({ before: twoTopics })
  let release = () => {}
  observer.listen('stuck', () => new Promise<void>((resolve) => (release = resolve)))
  const told: string[] = []
  observer.listen('quick', (image) => void told.push(topicsOf(image)))
  await clock.advance(100)
  expect(told).toEqual(['t,u'])
  expect(observer.appliedOffset).toBe(-1)
  for (const name of ['v', 'w']) {
    quorum.append(topicRecords(name))
    quorum.commit()
    await clock.advance(3000)
  }
  expect(told).toEqual(['t,u', 't,u,v', 't,u,v,w'])
  expect(observer.appliedOffset).toBe(-1)
  let isCaughtUp = false
  void observer.caughtUp().then(() => (isCaughtUp = true))
  await clock.advance(10_000)
  expect(isCaughtUp).toBe(false)
  expect(lines.join()).toContain('"listener":"stuck"')
  release()
  await settle()
  expect(isCaughtUp).toBe(true)
  expect(observer.appliedOffset).toBe(4)
  release()
  await observer.inStep()
  expect(topicsOf(observer.image)).toBe('t,u,v,w')
  await observer.close()
})

test('the next Fetch waits until listeners are done, but not for ever', async () => {
  const { observer, clock, quorum } = observe({ before: twoTopics })
  await clock.advance(100)
  const releases: (() => void)[] = []
  observer.listen('slow', () => new Promise<void>((resolve) => releases.push(resolve)))
  const add = async (name: string) => {
    const before = quorum.asked.length
    quorum.append(topicRecords(name))
    quorum.commit()
    await settle()
    await clock.advance(900)
    expect(releases).toHaveLength(1)
    expect(quorum.asked.length - before).toBe(0)
    return () => quorum.asked.length - before
  }
  const first = await add('v')
  releases.pop()!()
  await settle()
  expect(first()).toBe(1)
  const second = await add('w')
  await clock.advance(200)
  expect(second()).toBe(1)
  releases.pop()!()
  await observer.close()
})

test('a listener that throws is named, and the following goes on', async () => {
  const { observer, clock, quorum, lines, faults } = observe({ before: twoTopics })
  observer.listen('broken', () => {
    throw new Error('a bug')
  })
  await clock.advance(100)
  quorum.append(topicRecords('v'))
  quorum.commit()
  await clock.advance(100)
  expect(topicsOf(observer.image)).toBe('t,u,v')
  expect(faults).toEqual([])
  expect(lines.filter((line) => line.includes('"listener":"broken"'))).toHaveLength(2)
  await observer.close()
})

test('refreshed waits for an answer to a request sent after the call', async () => {
  const { observer, clock, quorum } = observe({ before: twoTopics })
  await clock.advance(100)
  let isFresh = false
  const before = quorum.asked.length
  const refreshed = observer.refreshed().then(() => (isFresh = true))
  // The pending request was sent before.
  await settle()
  expect(isFresh).toBe(false)
  await clock.advance(500)
  expect(isFresh).toBe(true)
  expect(quorum.asked.slice(before).map(({ fetch }) => fetch!.maxWaitMs)).toEqual([0, 500])
  await refreshed
  quorum.down.add(3001)
  const rejected = expect(observer.refreshed()).rejects.toThrow('the observer was closed')
  await clock.advance(5000)
  await observer.close()
  await rejected
  await expect(observer.refreshed()).rejects.toThrow('the observer was closed')
})

test('without a record of a controller it has not caught up', async () => {
  const { observer, clock, quorum } = observe({ before: (quorum) => quorum.elect(3000) })
  quorum.commit()
  await clock.advance(2000)
  expect(observer.appliedOffset).toBe(-1)
  const caughtUp = expect(observer.caughtUp()).rejects.toThrow('the observer was closed')
  await observer.close()
  await caughtUp
})

test('a refusal of the principal ends it; a foreign cluster and faults are tried again', async () => {
  const { clock, quorum, faults, observer } = observe({ before: twoTopics })
  quorum.script = () => ({
    ...quorum.fetchAnswer({}),
    errorCode: errorCode('INCONSISTENT_CLUSTER_ID'),
  })
  await clock.advance(3000)
  quorum.script = () => new ChannelFault('authentication', 'wrong password')
  await clock.advance(3000)
  expect(quorum.asked.length).toBeLessThan(40)
  quorum.script = () => ({
    ...quorum.fetchAnswer({}),
    errorCode: errorCode('CLUSTER_AUTHORIZATION_FAILED'),
  })
  await clock.advance(3000)
  expect(faults.map(({ message }) => message)).toEqual([
    'this node may not follow: its principal needs ClusterAction',
  ])
  await observer.close()
})

test('batches that do not follow its log are not taken', async () => {
  const { observer, clock, quorum, lines, faults } = observe({ before: twoTopics })
  await clock.advance(100)
  const good = leaderChangeBatch(5, 2, 3001)
  const damaged = Buffer.from(good)
  damaged[70]! ^= 1
  const wrong = [
    damaged,
    leaderChangeBatch(6, 2, 3001),
    leaderChangeBatch(5, 1, 3001),
    leaderChangeBatch(5, 3, 3001),
  ]
  for (const records of wrong) {
    quorum.script = ({ port }) =>
      port === 3001 ? quorum.fetchAnswer({ records, highWatermark: 6 }) : undefined
    await clock.advance(3000)
    expect(observer.appliedOffset).toBe(4)
  }
  const problems = ['is damaged', 'begins at 6', 'is of epoch 1', 'is of epoch 3']
  for (const problem of problems) expect(lines.join()).toContain(`the batch at 5 ${problem}`)
  quorum.script = () => undefined
  quorum.append(topicRecords('v'))
  quorum.commit()
  await clock.advance(3000)
  expect(topicsOf(observer.image)).toBe('t,u,v')
  expect(faults).toEqual([])
  await observer.close()
})

test.each(newSeeds())(
  'whatever the quorum goes through, the image is that of its log (ODRADEK_SEED=%d)',
  async (seed) => {
    const next = seededWords(seed)
    const below = (limit: number) => next() % limit
    const { observer, clock, quorum, network, faults } = observe({
      ...{ before: (fresh) => fresh.elect(3000), seed, rules: poorNetwork },
      limits: { snapshotMaxBytes: 150, fetchMaxBytes: 400 },
    })
    let named = 0
    let applied = -1
    observer.listen('test', ({ offset }) => {
      expect(offset).toBeGreaterThan(applied)
      applied = offset
    })
    const committed = () => Math.max(quorum.highWatermark, 0)
    let safe = 0
    const steps: (() => void | Promise<void>)[] = [
      () => quorum.append(topicRecords(`t${named++}`)),
      () => quorum.append([begin, ...topicRecords(`t${named++}`), below(2) === 0 ? abort : end]),
      () => quorum.commit(),
      // Only what is not committed may be lost in an election.
      () => quorum.elect(3000 + below(3), Math.max(safe, quorum.endOffset - below(4))),
      () => (safe > quorum.logStart && quorum.highWatermark > 0 ? quorum.snapshot() : undefined),
      () => void quorum.down.add(3000 + below(3)),
      () => quorum.down.clear(),
      () => void (below(4) === 0 && quorum.silent.add(3000 + below(3))),
      () => quorum.silent.clear(),
    ]
    for (let i = 0; i < 150; i++) {
      await steps[below(steps.length)]!()
      safe = Math.max(safe, committed())
      await clock.advance([0, 1, 30, 700][below(4)]!)
    }
    network.rules = noFaults
    quorum.down.clear()
    quorum.silent.clear()
    quorum.append(topicRecords('last'))
    quorum.commit()
    await clock.advance(20_000)
    expect(faults).toEqual([])
    expect(plain(observer.image)).toEqual(plain(await quorum.committedImage()))
    expect(observer.image.topics.has('last')).toBe(true)
    await observer.close()
  },
)
