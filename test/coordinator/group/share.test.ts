import { describe, expect, test } from 'vitest'
import { ApiError } from '../../../src/protocol/errors.ts'
import { client, groups, idOf } from './groups.ts'
import { settle } from './stepped-clock.ts'

type Made = Awaited<ReturnType<typeof groups>>

const assignmentIntervalMs = 1000

/** A coordinator with a topic of two partitions. */
async function withTopic(o: Parameters<typeof groups>[0] = {}) {
  const made = await groups(o)
  made.topics.add('t', 2)
  const beat = (memberId: string, memberEpoch = 0, names: string[] | null = ['t']) =>
    made.coordinator.share.heartbeat(client, {
      ...{ groupId: 'g', memberId, memberEpoch, rackId: null },
      subscribedTopicNames: names,
    })
  /** Heartbeats of a member after the share state was begun and the assignment interval. */
  const assigned = async (memberId: string) => {
    await made.clock.advance(assignmentIntervalMs + 1)
    const { assignment } = await beat(memberId)
    return assignment!.topicPartitions.flatMap(({ partitions }) => partitions)
  }
  return { ...made, beat, assigned }
}

const typesOf = ({ log }: Made, from = 0) =>
  log.batches
    .slice(from)
    .map(({ records }) =>
      records
        .map(({ key, value }) => `${key.readInt16BE(0)}${value === null ? '-' : ''}`)
        .join(' '),
    )

async function errorOf(answer: Promise<unknown>): Promise<ApiError> {
  const error = await answer.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ApiError)
  return error as ApiError
}

describe('a share group', () => {
  test('begins the share state of its topics before it assigns them', async () => {
    const made = await withTopic()
    const { beat, assigned, shareState } = made
    const first = await beat('a')
    expect(first).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [] } })
    await settle()
    const partitions = [0, 1].map((partition) => ({ partition, startOffset: -1 }))
    const begun = [{ topicId: idOf('t'), partitions }]
    expect(shareState.asked).toEqual([['g', 2, begun]])
    expect(typesOf(made)).toEqual(['10 11 13 12 14 15', '15'])
    expect(await assigned('a')).toEqual([0, 1])
    expect(await beat('a', 3, null)).toMatchObject({ memberEpoch: 3, assignment: null })
    expect(shareState.asked).toHaveLength(1)
  })

  test('begins a new partition of a known topic at its first offset', async () => {
    const { beat, assigned, shareState, topics, coordinator } = await withTopic()
    await beat('a')
    await assigned('a')
    topics.add('t', 3)
    coordinator.topicsChanged(new Set(['t']), false)
    await beat('a', 3, null)
    const begun = [{ topicId: idOf('t'), partitions: [{ partition: 2, startOffset: 0 }] }]
    expect(shareState.asked.at(-1)).toEqual(['g', 4, begun])
    expect(await assigned('a')).toEqual([0, 1, 2])
  })

  test('tries again when the share state could not be begun', async () => {
    const { beat, assigned, shareState } = await withTopic()
    shareState.refusal = new ApiError('NOT_COORDINATOR')
    await beat('a')
    await settle()
    shareState.refusal = null
    await beat('a', 2, null)
    await settle()
    expect(shareState.asked).toHaveLength(2)
    expect(await assigned('a')).toEqual([0, 1])
  })

  test('shares its partitions among members, also of those that leave or are gone', async () => {
    const { beat, assigned, clock } = await withTopic()
    await beat('a')
    await assigned('a')
    await beat('b')
    const [ofB, ofA] = [await assigned('b'), await assigned('a')]
    expect([...ofA, ...ofB].sort()).toEqual([0, 1])
    await beat('b', -1, null)
    expect(await assigned('a')).toEqual([0, 1])
    await beat('b')
    await clock.advance(40_000)
    await beat('a')
    await clock.advance(10_000)
    expect(await errorOf(beat('b', 5, null))).toMatchObject({ reason: 'UNKNOWN_MEMBER_ID' })
  })

  test('is found again in the log, and its members with it', async () => {
    const first = await withTopic()
    await first.beat('a')
    await first.assigned('a')
    const next = await withTopic({ log: first.log })
    expect(await next.beat('a', 3, null)).toMatchObject({ memberEpoch: 3 })
    const described = await next.coordinator.share.describe('g')
    expect(described).toEqual(await first.coordinator.share.describe('g'))
    expect(described).toMatchObject({ groupState: 'Stable', groupEpoch: 3, assignmentEpoch: 3 })
  })

  test('refuses members beyond its size, and epochs that a member cannot have', async () => {
    const { beat } = await withTopic({ config: { groupShareMaxSize: 1 } })
    await beat('a')
    expect(await errorOf(beat('b'))).toMatchObject({ reason: 'GROUP_MAX_SIZE_REACHED' })
    expect(await errorOf(beat('a', 7))).toMatchObject({ reason: 'FENCED_MEMBER_EPOCH' })
    expect(await errorOf(beat('a', 1))).toMatchObject({ reason: 'FENCED_MEMBER_EPOCH' })
  })

  test('does not go by itself, and takes its share state along when it is deleted', async () => {
    const made = await withTopic()
    const { beat, assigned, coordinator, shareState, clock } = made
    await beat('a')
    await assigned('a')
    expect(await errorOf(coordinator.delete('g'))).toMatchObject({ reason: 'NON_EMPTY_GROUP' })
    await beat('a', -1, null)
    await clock.advance(1_000_000)
    expect(await coordinator.list([], ['share'])).toMatchObject([{ groupState: 'Empty' }])
    const end = made.log.batches.length
    shareState.refusal = new ApiError('COORDINATOR_NOT_AVAILABLE')
    const refused = { reason: 'COORDINATOR_NOT_AVAILABLE' }
    expect(await errorOf(coordinator.delete('g'))).toMatchObject(refused)
    shareState.refusal = null
    expect(await coordinator.delete('g')).toEqual({ groupId: 'g', errorCode: 0 })
    const deleted = ['g', [{ topicId: idOf('t'), partitions: [0, 1] }]]
    expect(shareState.asked.slice(-2)).toEqual([deleted, deleted])
    expect(typesOf(made, end)).toEqual(['15', '15', '12- 15- 11-'])
    expect(await coordinator.list([], [])).toEqual([])
  })

  test('forgets the share state of deleted topics', async () => {
    const made = await withTopic()
    await made.beat('a')
    await settle()
    const end = made.log.batches.length
    made.coordinator.topicsDeleted([{ id: idOf('t'), name: 't' }])
    await settle()
    expect(typesOf(made, end)).toEqual(['15'])
  })
})

describe('the start offsets of a share group', () => {
  const alter = ({ coordinator }: Made, partitions: Record<number, number>) =>
    coordinator.share.alterOffsets({
      groupId: 'g',
      topics: [
        {
          topicName: 't',
          partitions: Object.entries(partitions).map(([index, startOffset]) => ({
            ...{ partitionIndex: Number(index), startOffset },
          })),
        },
      ],
    })

  test('can be set before there is a group, which they make', async () => {
    const made = await withTopic()
    const { coordinator, shareState } = made
    const { responses } = await alter(made, { 0: 5, 7: 1 })
    expect(responses[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 3])
    const begun = [{ topicId: idOf('t'), partitions: [{ partition: 0, startOffset: 5 }] }]
    expect(shareState.asked).toEqual([['g', 1, begun]])
    await settle()
    const known = [{ topicId: idOf('t'), partitions: [0] }]
    expect(await coordinator.share.statePartitions('g')).toEqual(known)
    expect(await coordinator.share.describe('g')).toMatchObject({ groupState: 'Empty' })
    shareState.refusal = new ApiError('FENCED_STATE_EPOCH', 'too old')
    const refused = await alter(made, { 0: 3 })
    expect(refused.responses[0]!.partitions).toMatchObject([{ errorCode: 124 }])
  })

  test('are deleted by topic, of a group without members', async () => {
    const made = await withTopic()
    const { beat, assigned, coordinator, shareState } = made
    const remove = (...names: string[]) =>
      coordinator.share.deleteOffsets({
        groupId: 'g',
        topics: names.map((topicName) => ({ topicName })),
      })
    expect(await errorOf(remove('t'))).toMatchObject({ reason: 'GROUP_ID_NOT_FOUND' })
    await beat('a')
    await assigned('a')
    expect(await errorOf(remove('t'))).toMatchObject({ reason: 'NON_EMPTY_GROUP' })
    expect(await errorOf(alter(made, { 0: 1 }))).toMatchObject({ reason: 'NON_EMPTY_GROUP' })
    await beat('a', -1, null)
    const codesOf = async (...names: string[]) =>
      (await remove(...names)).responses.map(({ topicName, errorCode }) => [topicName, errorCode])
    shareState.refusal = new ApiError('COORDINATOR_NOT_AVAILABLE')
    expect(await codesOf('t')).toEqual([['t', 15]])
    shareState.refusal = null
    expect(await codesOf('t', 'x')).toEqual([
      ['t', 0],
      ['x', 3],
    ])
    expect(await codesOf('t')).toEqual([['t', 3]])
    expect(await coordinator.share.statePartitions('g')).toEqual([])
  })
})
