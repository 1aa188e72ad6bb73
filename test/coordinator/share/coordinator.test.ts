import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { shareCoordinatorConfigDefaults } from '../../../src/coordinator/share/commands.ts'
import { ShareCoordinator } from '../../../src/coordinator/share/coordinator.ts'
import { coordinatorKey, shareKeyOf } from '../../../src/coordinator/share/share-key.ts'
import { ApiError } from '../../../src/protocol/errors.ts'
import { MemoryLog } from '../group/memory-log.ts'
import { SteppedClock, settle } from '../group/stepped-clock.ts'

const topicId = 'dG9waWMtb2YtdGhlLXRlcw'
const key = { groupId: 'g', topicId, partition: 0 }
const fine = { partition: 0, errorCode: 0, errorMessage: null }

async function coordinatorOf(log = new MemoryLog()) {
  const clock = new SteppedClock()
  const topic = { name: 't', id: topicId, partitionCount: 2, partitionRacks: [] }
  const coordinator = new ShareCoordinator({
    ...{ partitionCount: () => 1, clock, logger: silentLogger },
    topics: { version: 1, byName: () => topic, byId: () => topic, all: () => [topic] },
    config: shareCoordinatorConfigDefaults,
  })
  coordinator.elected(0, 1, log)
  await settle()
  return { coordinator, clock, log }
}

async function errorOf(answer: Promise<unknown>): Promise<string> {
  const error = await answer.then(
    () => null,
    (reason: unknown) => reason,
  )
  return error instanceof ApiError ? error.reason : String(error)
}

describe('a share coordinator', () => {
  test('answers once the record is committed, and finds it again in the log', async () => {
    const { coordinator, log } = await coordinatorOf()
    log.isHeld = true
    const answers: unknown[] = []
    void coordinator.initialize(key, { stateEpoch: 1, startOffset: 3 }).then((a) => answers.push(a))
    await settle()
    expect(answers).toEqual([])
    log.commit()
    await settle()
    expect(answers).toEqual([fine])
    const next = await coordinatorOf(log)
    const read = next.coordinator.read(key, 0)
    expect(await read).toEqual({ ...fine, stateEpoch: 1, startOffset: 3, stateBatches: [] })
  })

  test('is not one for partitions that others lead', async () => {
    const { coordinator } = await coordinatorOf()
    coordinator.resigned(0)
    expect(await errorOf(coordinator.delete(key))).toBe('NOT_COORDINATOR')
  })

  test('deletes what newer snapshots made redundant, in time', async () => {
    const { coordinator, clock, log } = await coordinatorOf()
    await coordinator.initialize(key, { stateEpoch: 1, startOffset: 0 })
    await coordinator.initialize(key, { stateEpoch: 2, startOffset: 0 })
    await clock.advance(shareCoordinatorConfigDefaults.stateTopicPruneIntervalMs - 1)
    expect(log.startOffset).toBe(0)
    await clock.advance(1)
    expect(log.startOffset).toBe(1)
  })

  test('forgets deleted topics', async () => {
    const { coordinator, log } = await coordinatorOf()
    await coordinator.initialize(key, { stateEpoch: 1, startOffset: 0 })
    coordinator.topicsDeleted(new Set([topicId]))
    await settle()
    expect(log.batches.at(-1)?.records[0]?.value).toBeNull()
    expect(await coordinator.readSummary(key)).toMatchObject({ ...fine, startOffset: -1 })
  })
})

test.each([
  [coordinatorKey(key), key],
  [`a:b:${topicId}:7`, { groupId: 'a:b', topicId, partition: 7 }],
  [`g:${topicId}==:+00:`, key],
  ['', null],
  ['g', null],
  [`:${topicId}:0`, null],
  [`g:${topicId}`, null],
  [`g:${topicId}:x`, null],
  [`g:${topicId}:2147483648`, null],
  ['g:x:0', null],
])('the key %j', (text, expected) => {
  expect(shareKeyOf(text)).toEqual(expected)
})
