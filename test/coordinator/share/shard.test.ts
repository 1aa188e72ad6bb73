import { describe, expect, test } from 'vitest'
import {
  type ShareCommand,
  shareCoordinatorConfigDefaults,
  type WrittenState,
} from '../../../src/coordinator/share/commands.ts'
import {
  fromKeyValue,
  type ShareRecord,
  toKeyValue,
} from '../../../src/coordinator/share/records.ts'
import { ShareShard } from '../../../src/coordinator/share/shard.ts'
import type { TopicView } from '../../../src/coordinator/topic-view.ts'

const topicId = 'dG9waWMtb2YtdGhlLXRlcw'
const key = { groupId: 'g', topicId, partition: 0 }
const to = () => {}

const topic = { name: 't', id: topicId, partitionCount: 2, partitionRacks: [] }
const topics: TopicView = {
  version: 1,
  byName: () => topic,
  byId: (id) => (id === topicId ? topic : null),
  all: () => [topic],
}

/** A shard, its log, and the time, which the test sets. */
function shardOf(settings: Partial<typeof shareCoordinatorConfigDefaults> = {}) {
  const config = { ...shareCoordinatorConfigDefaults, ...settings }
  const make = () => new ShareShard({ config, topics })
  const log: ShareRecord[] = []
  const shard = make()
  const time = { nowMs: 1000 }
  const run = (command: ShareCommand) => {
    const outcome = shard.decide(command, time.nowMs)
    for (const record of outcome.records) {
      shard.replay(record, log.length)
      log.push(record)
    }
    return outcome
  }
  const answer = (command: ShareCommand) => run(command).replies[0]!.body
  /** A shard that has read the log, from an offset on. */
  const reloaded = (from = 0) => {
    const other = make()
    log.forEach((record, offset) => {
      if (offset >= from) other.replay(fromKeyValue(toKeyValue(record))!, offset)
    })
    return other
  }
  return { shard, log, run, answer, reloaded, time }
}

const initialize = (stateEpoch: number, startOffset: number, of = key): ShareCommand => ({
  ...{ kind: 'initialize', to, key: of, stateEpoch, startOffset },
})
const write = (written: Partial<WrittenState>, of = key): ShareCommand => ({
  ...{ kind: 'write', to, key: of },
  written: {
    stateEpoch: 1,
    leaderEpoch: 0,
    startOffset: 0,
    deliveryCompleteCount: 0,
    stateBatches: [],
    ...written,
  },
})
const read = (leaderEpoch: number, of = key): ShareCommand => ({
  ...{ kind: 'read', to, key: of, leaderEpoch },
})
const fine = { partition: 0, errorCode: 0, errorMessage: null }
const batch = (firstOffset: number, lastOffset: number, deliveryState = 2, deliveryCount = 1) => ({
  ...{ firstOffset, lastOffset, deliveryState, deliveryCount },
})

describe('a share partition', () => {
  test('begins with a snapshot and is told what was written', () => {
    const { answer, log } = shardOf()
    expect(answer(initialize(1, 5))).toEqual(fine)
    expect(answer(write({ startOffset: 7, stateBatches: [batch(7, 9)] }))).toEqual(fine)
    expect(answer(read(0))).toEqual({
      ...fine,
      stateEpoch: 1,
      startOffset: 7,
      stateBatches: [batch(7, 9)],
    })
    expect(log.map(({ type }) => type)).toEqual(['snapshot', 'update'])
  })

  test('is begun anew by each initialisation', () => {
    const { answer, run, log } = shardOf()
    answer(initialize(1, 5))
    run(write({ startOffset: 7 }))
    expect(answer(initialize(1, 5))).toEqual(fine)
    expect(log[2]?.value).toMatchObject({ snapshotEpoch: 1, stateEpoch: 1, startOffset: 5 })
  })

  test('fences epochs below those that its records had', () => {
    const { answer, log } = shardOf()
    answer(initialize(3, 5))
    answer(read(4))
    expect(log).toHaveLength(2)
    const codeOf = (command: ShareCommand) => (answer(command) as { errorCode: number }).errorCode
    expect(codeOf(read(3))).toBe(74)
    expect(codeOf(write({ stateEpoch: 3, leaderEpoch: 3 }))).toBe(74)
    expect(codeOf(write({ stateEpoch: 2, leaderEpoch: 4 }))).toBe(124)
    expect(codeOf(initialize(2, 0))).toBe(124)
    expect(codeOf(write({ stateEpoch: 3, leaderEpoch: 4 }))).toBe(0)
    expect(log).toHaveLength(3)
  })

  test('is read and written only once it is initialised, and of a partition that is there', () => {
    const { answer, log } = shardOf()
    const codeOf = (command: ShareCommand) => (answer(command) as { errorCode: number }).errorCode
    expect(codeOf(read(0))).toBe(42)
    expect(codeOf(write({}))).toBe(42)
    expect(codeOf(initialize(0, 0, { ...key, partition: -1 }))).toBe(42)
    expect(codeOf(initialize(0, 0, { ...key, partition: 2 }))).toBe(3)
    expect(codeOf(initialize(-1, 0))).toBe(42)
    expect(log).toEqual([])
  })

  test('gets a snapshot after the configured number of updates, which holds all', () => {
    const { run, log, reloaded, shard } = shardOf({ snapshotUpdateRecordsPerSnapshot: 2 })
    run(initialize(1, 0))
    for (let i = 0; i < 7; i++) run(write({ stateBatches: [batch(i * 2, i * 2)] }))
    const types = 'snapshot update update snapshot update update snapshot update'
    expect(log.map(({ type }) => type).join(' ')).toBe(types)
    expect(log[6]?.value).toMatchObject({ snapshotEpoch: 2, stateBatches: { length: 6 } })
    expect(reloaded().hardState()).toEqual(shard.hardState())
  })

  test('keeps its start offset and count when a late write has lower ones', () => {
    const { run, answer } = shardOf()
    run(initialize(1, 0))
    run(write({ startOffset: 10, deliveryCompleteCount: 3 }))
    run(write({ startOffset: 8, deliveryCompleteCount: 9 }))
    const summary = { kind: 'readSummary', to, key } as const
    const known = { ...fine, stateEpoch: 1, leaderEpoch: 0, startOffset: 10 }
    expect(answer(summary)).toEqual({ ...known, deliveryCompleteCount: 3 })
    run(write({ startOffset: 10, deliveryCompleteCount: 2 }))
    expect(answer(summary)).toEqual({ ...known, deliveryCompleteCount: 3 })
  })

  test('is forgotten by a tombstone, on request or with its topic', () => {
    const { run, answer, log, shard } = shardOf()
    const other = { ...key, partition: 1 }
    run(initialize(1, 0))
    run(initialize(1, 0, other))
    expect(answer({ kind: 'delete', to, key })).toEqual(fine)
    expect(answer({ kind: 'delete', to, key })).toEqual(fine)
    run({ kind: 'topicsDeleted', topicIds: new Set(['another', topicId]) })
    expect(log.slice(2)).toEqual([
      { type: 'snapshot', key, value: null },
      { type: 'snapshot', key: other, value: null },
    ])
    expect(shard.hardState()).toEqual([])
  })
})

describe('the log is pruned', () => {
  const other = { ...key, partition: 1 }
  const beforeOffset = ({ run }: ReturnType<typeof shardOf>) => run({ kind: 'prune' }).effects[0]

  test('below the oldest snapshot that counts', () => {
    const of = shardOf()
    of.run(initialize(1, 0))
    of.run(initialize(1, 0, other))
    expect(beforeOffset(of)).toBeUndefined()
    of.run(initialize(2, 0))
    expect(beforeOffset(of)).toEqual({ kind: 'deleteRecords', beforeOffset: 1 })
    of.run({ kind: 'delete', to, key: other })
    expect(beforeOffset(of)).toEqual({ kind: 'deleteRecords', beforeOffset: 2 })
    expect(of.reloaded(2).hardState()).toEqual(of.shard.hardState())
    of.run({ kind: 'delete', to, key })
    expect(beforeOffset(of)).toEqual({ kind: 'deleteRecords', beforeOffset: 4 })
  })

  test('past share partitions that are idle, once they have a new snapshot', () => {
    const of = shardOf()
    of.run(initialize(1, 0))
    of.time.nowMs += 200_000
    of.run(initialize(1, 0, other))
    of.time.nowMs += 100_000
    expect(of.run({ kind: 'snapshotCold' }).records).toEqual([
      {
        type: 'snapshot',
        key,
        value: {
          ...{ snapshotEpoch: 1, stateEpoch: 1, leaderEpoch: 0, startOffset: 0 },
          ...{ deliveryCompleteCount: 0, stateBatches: [] },
          ...{ createTimestamp: 1000, writeTimestamp: 301_000 },
        },
      },
    ])
    expect(beforeOffset(of)).toEqual({ kind: 'deleteRecords', beforeOffset: 1 })
  })

  test('only while share groups are enabled', () => {
    const of = shardOf({ isShareGroupsEnabled: false })
    of.run(initialize(1, 0))
    of.run(initialize(2, 0))
    of.time.nowMs += 1_000_000
    expect(of.run({ kind: 'snapshotCold' }).records).toEqual([])
    expect(beforeOffset(of)).toBeUndefined()
  })
})
