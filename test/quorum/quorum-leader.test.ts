import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { zeroUuid } from '../../src/protocol/schema.ts'
import { positionOf } from '../../src/quorum/follower-position.ts'
import { type FollowerFetch, type LedLog, QuorumLeader } from '../../src/quorum/quorum-leader.ts'
import { LeaderEpochs } from '../../src/storage/epochs.ts'
import { SteppedClock, settle } from '../coordinator/group/stepped-clock.ts'

/** A log without bytes: a read returns one chunk that names its offsets. */
class NumberedLog implements LedLog {
  logStartOffset = 0
  logEndOffset = 0
  writtenOffset = 0
  readonly epochs = new LeaderEpochs()

  get latestEpoch(): number {
    return this.epochs.latest
  }

  epochEndOffset(epoch: number) {
    return this.epochs.endOf(epoch, this.logEndOffset)
  }

  read(offset: number, { upTo }: { readonly upTo: number }) {
    const chunks = [Buffer.from(`${offset}-${upTo}`)]
    return { chunks, bytes: chunks[0]!.length, nextOffset: upTo }
  }

  append(count: number, epoch: number): void {
    this.epochs.assign(epoch, this.logEndOffset)
    this.logEndOffset += count
    this.writtenOffset = this.logEndOffset
  }
}

/** A leader of epoch 3, with 10 records of epoch 1, 10 of epoch 2 and 1 of its own. */
function leading(snapshots: readonly { endOffset: number; epoch: number }[] = []) {
  const log = new NumberedLog()
  log.append(10, 1)
  log.append(10, 2)
  log.append(1, 3)
  const clock = new SteppedClock()
  const leader = new QuorumLeader({
    ...{ nodeId: 1, log, clock, logger: silentLogger, highWatermark: 0 },
    snapshots: () => snapshots,
    epoch: () => 3,
  })
  leader.commit(21, true)
  const gone = new AbortController()
  const ask = (given: Partial<FollowerFetch> = {}) =>
    leader.fetch({
      replica: { id: 7, directoryId: zeroUuid },
      ...{ isSameProcess: false, currentLeaderEpoch: 3, offset: 21, lastFetchedEpoch: 3 },
      ...{ highWatermark: 21, maxBytes: 1000, maxWaitMs: 500, closed: gone.signal },
      ...given,
    })
  return { log, clock, leader, gone, ask }
}

const textOf = ({ records }: { readonly records: readonly Uint8Array[] }) =>
  records.map((chunk) => Buffer.from(chunk).toString()).join()

/** Whether a promise has settled once everything that can settle has. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let is = false
  void promise.then(() => (is = true))
  await settle()
  return is
}

describe('the place of a follower', () => {
  const { log } = leading()
  test.each([
    [0, 0, 'valid'],
    [10, 1, 'valid'],
    [5, 1, 'valid'],
    [20, 2, 'valid'],
    [21, 3, 'valid'],
    [11, 1, 'diverging 1 10'],
    [22, 3, 'diverging 3 21'],
    [5, 0, 'diverging 0 0'],
    [21, 2, 'diverging 2 20'],
  ])('offset %d of epoch %d: %s', (offset, epoch, expected) => {
    const found = positionOf(log, [], offset, epoch)
    const said =
      found.kind === 'diverging' ? `diverging ${found.epoch} ${found.endOffset}` : found.kind
    expect(said).toBe(expected)
  })

  test('snapshots take the place of records that are gone, and of many', () => {
    const { log: trimmed } = leading()
    trimmed.logStartOffset = 12
    trimmed.epochs.truncateStart(12)
    const snapshots = [
      { endOffset: 12, epoch: 2 },
      { endOffset: 15, epoch: 2 },
    ]
    const kindOf = (offset: number, epoch: number) => {
      const found = positionOf(trimmed, snapshots, offset, epoch)
      return found.kind === 'snapshot' ? found.snapshotId.endOffset : found.kind
    }
    expect(kindOf(0, 0)).toBe(15)
    expect(kindOf(11, 2)).toBe(15)
    expect(kindOf(12, 1)).toBe(15)
    expect(kindOf(12, 2)).toBe('valid')
    expect(kindOf(21, 3)).toBe('valid')
    expect(positionOf(log, [{ endOffset: 0, epoch: 0 }], 0, 0).kind).toBe('valid')
    expect(positionOf(log, [{ endOffset: 15, epoch: 2 }], 0, 0).kind).toBe('snapshot')
  })
})

test('records are answered at once, and an older or later epoch is refused', async () => {
  const { ask, leader } = leading()
  const all = await ask({ offset: 0, lastFetchedEpoch: 0, highWatermark: -1 })
  expect(textOf(all)).toBe('0-21')
  expect(all).toMatchObject({ error: 'NONE', highWatermark: 21 })
  expect(await ask({ currentLeaderEpoch: 2 })).toMatchObject({ error: 'FENCED_LEADER_EPOCH' })
  expect(await ask({ currentLeaderEpoch: 4 })).toMatchObject({ error: 'UNKNOWN_LEADER_EPOCH' })
  const own = { replica: { id: 1, directoryId: zeroUuid } }
  expect(await ask(own)).toMatchObject({ error: 'UNKNOWN_SERVER_ERROR', highWatermark: -1 })
  expect(await ask({ ...own, isSameProcess: true, maxWaitMs: 0 })).toMatchObject({ error: 'NONE' })
  const noBytes = { offset: 0, lastFetchedEpoch: 0, maxBytes: -1 }
  expect(await ask(noBytes)).toMatchObject({ error: 'UNKNOWN_SERVER_ERROR' })
  leader.close()
  expect(await ask()).toMatchObject({ error: 'BROKER_NOT_AVAILABLE' })
})

test('a fetch waits for records, for the high watermark, for its time, for the end', async () => {
  const { ask, log, leader, clock } = leading()
  const forRecords = ask()
  expect(await isSettled(forRecords)).toBe(false)
  log.append(2, 3)
  leader.commit(23, false)
  expect(textOf(await forRecords)).toBe('21-23')
  expect((await forRecords).highWatermark).toBe(21)
  expect(leader.highWatermark).toBe(23)
  expect(await ask({ isSameProcess: true })).toMatchObject({ highWatermark: 23 })

  const forCommit = ask({ offset: 23 })
  expect(await isSettled(forCommit)).toBe(false)
  leader.commit(23, true)
  expect(await forCommit).toMatchObject({ highWatermark: 23, records: [] })

  const forTime = ask({ offset: 23, highWatermark: 23 })
  const before = clock.nowMs()
  await clock.advance(499)
  expect(await isSettled(forTime)).toBe(false)
  await clock.advance(1)
  expect(await forTime).toMatchObject({ error: 'NONE', records: [] })
  const [state] = leader.observerStates()
  expect(state).toMatchObject({ logEndOffset: 23, lastFetchMs: before, lastCaughtUpMs: before })

  const atEnd = ask({ offset: 23, highWatermark: 23 })
  leader.close()
  expect(await atEnd).toMatchObject({ error: 'BROKER_NOT_AVAILABLE' })
})

test('a follower whose connection closes waits no longer, and nobody waits for it', async () => {
  const { ask, gone, leader, log } = leading()
  const waiting = ask()
  await settle()
  log.append(1, 3)
  leader.commit(22, true)
  await waiting
  const again = ask({ offset: 22, highWatermark: 21 })
  await again
  const last = ask({ offset: 22, highWatermark: 22 })
  await settle()
  const reached = leader.observersReached(23)
  gone.abort()
  await last
  expect(await isSettled(reached)).toBe(true)
})

test('observers are known for five minutes, by id and directory', async () => {
  const { ask, clock, leader } = leading()
  const one = { replica: { id: 7, directoryId: zeroUuid }, maxWaitMs: 0 }
  const other = { replica: { id: 7, directoryId: 'BAAAAAAAAAAAAAAAAAAAAA' }, maxWaitMs: 0 }
  await ask({ ...one, offset: 10, lastFetchedEpoch: 1 })
  expect(leader.observerStates()).toMatchObject([{ logEndOffset: 10, lastCaughtUpMs: -1 }])
  await clock.advance(1000)
  const caughtUp = clock.nowMs() - 1000
  await ask(one)
  await ask({ ...other, offset: 20, lastFetchedEpoch: 2 })
  const nobody = { replica: { id: -1, directoryId: zeroUuid }, maxWaitMs: 0 }
  await ask(nobody)
  expect(leader.observerStates()).toMatchObject([
    { id: 7, directoryId: zeroUuid, logEndOffset: 21, lastCaughtUpMs: caughtUp + 1000 },
    { id: 7, directoryId: other.replica.directoryId, logEndOffset: 20, lastCaughtUpMs: -1 },
  ])
  await clock.advance(5 * 60_000 - 1)
  expect(leader.observerStates()).toHaveLength(2)
  await clock.advance(1)
  expect(leader.observerStates()).toHaveLength(0)
})

test('one that had at its last fetch all there was then was caught up then', async () => {
  const { ask, clock, leader, log } = leading()
  await ask({ offset: 20, lastFetchedEpoch: 2, maxWaitMs: 0 })
  const then = clock.nowMs()
  await clock.advance(100)
  log.append(5, 3)
  await ask({ offset: 21, maxWaitMs: 0 })
  expect(leader.observerStates()).toMatchObject([{ logEndOffset: 21, lastCaughtUpMs: then }])
})

describe('an answer waits for those who follow', () => {
  test('until they have the records and know that they are committed', async () => {
    const { ask, leader, log } = leading()
    const waiting = ask()
    await settle()
    log.append(1, 3)
    leader.commit(22, true)
    await waiting
    const reached = leader.observersReached(22)
    expect(await isSettled(reached)).toBe(false)
    const uncommitted = ask({ offset: 22, highWatermark: 21 })
    await uncommitted
    expect(await isSettled(reached)).toBe(false)
    void ask({ offset: 22, highWatermark: 22 })
    expect(await isSettled(reached)).toBe(true)
  })

  test('of an older version: until they fetch again after an answer with that', async () => {
    const { ask, leader, log } = leading()
    const older = { highWatermark: Number.POSITIVE_INFINITY }
    const waiting = ask(older)
    await settle()
    log.append(1, 3)
    leader.commit(22, true)
    await waiting
    const reached = leader.observersReached(22)
    expect(await isSettled(reached)).toBe(false)
    void ask({ ...older, offset: 22 })
    expect(await isSettled(reached)).toBe(true)
  })

  test('for a second at most, and not for who is silent or only reads', async () => {
    const { ask, leader, clock } = leading()
    await ask({ maxWaitMs: 0, replica: { id: -1, directoryId: zeroUuid } })
    expect(await isSettled(leader.observersReached(30))).toBe(true)
    await ask({ maxWaitMs: 0 })
    const reached = leader.observersReached(30)
    await clock.advance(999)
    expect(await isSettled(reached)).toBe(false)
    await clock.advance(1)
    expect(await isSettled(reached)).toBe(true)
    await clock.advance(1)
    expect(await isSettled(leader.observersReached(30))).toBe(true)
  })
})

test('the log is followed by others while they fetch', async () => {
  const { ask, leader, clock } = leading()
  await ask({ maxWaitMs: 0, isSameProcess: true })
  expect(leader.isFollowedRemotely).toBe(false)
  await ask({ maxWaitMs: 0 })
  expect(leader.isFollowedRemotely).toBe(true)
  await clock.advance(5000)
  expect(leader.isFollowedRemotely).toBe(false)
})
