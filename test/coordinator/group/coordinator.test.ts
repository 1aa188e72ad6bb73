import { describe, expect, test } from 'vitest'
import { readSubscription } from '../../../src/coordinator/group/consumer/consumer-protocol.ts'
import { goldenBatches } from './data-dir.ts'
import { client, errorOf, groups, idOf, isParked, joinOptions, joinRequest } from './groups.ts'
import { MemoryLog } from './memory-log.ts'
import { settle } from './stepped-clock.ts'

const commitRequest = {
  groupId: 'g',
  generationIdOrMemberEpoch: -1,
  memberId: '',
  groupInstanceId: null,
  retentionTimeMs: -1,
}

const commitOf = (offset: number, committedMetadata: string | null = null) => [
  {
    name: 't',
    topicId: idOf('t'),
    partitions: [
      { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 3, committedMetadata },
    ],
  },
]

const fetchRequest = {
  groupId: 'g',
  memberId: null,
  memberEpoch: -1,
  topics: null,
  requireStable: false,
}

describe('where a group lives', () => {
  test('is told by the hash of its id, as Kafka computes it', async () => {
    const { coordinator } = await groups()
    expect(coordinator.partitionFor('anything')).toBe(0)
    expect(await errorOf(coordinator.describe('g', true) as never)).toBe('GROUP_ID_NOT_FOUND')
  })

  test('other brokers are named until the partition is ours, and while its log is read', async () => {
    const { coordinator } = await groups()
    coordinator.resigned(0)
    expect(await errorOf(coordinator.join(client, joinOptions(3), joinRequest()))).toBe(
      'NOT_COORDINATOR',
    )
    coordinator.elected(0, 1, new MemoryLog())
    expect(await errorOf(coordinator.join(client, joinOptions(3), joinRequest()))).toBe(
      'COORDINATOR_LOAD_IN_PROGRESS',
    )
    const heartbeat = { groupId: 'g', memberId: 'm', generationId: 1, groupInstanceId: null }
    expect(await errorOf(coordinator.heartbeat(heartbeat))).toBe('NONE')
    await settle()
    expect(await errorOf(coordinator.heartbeat(heartbeat))).toBe('UNKNOWN_MEMBER_ID')
  })

  // `unreadable-groups.compat.ts` gets the same error from Apache Kafka.
  test('a partition that cannot be read has no groups here until it can; the others go on', async () => {
    const { coordinator, clock } = await groups()
    await coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(5) })
    const log = new MemoryLog()
    log.isUnreadable = true
    coordinator.elected(1, 1, log)
    await settle()
    expect((await coordinator.list([], [])).map(({ groupId }) => groupId)).toEqual(['g'])
    coordinator.resigned(0)
    coordinator.elected(0, 1, log)
    await settle()
    const heartbeat = { groupId: 'g', memberId: 'm', generationId: 1, groupInstanceId: null }
    expect(await errorOf(coordinator.join(client, joinOptions(3), joinRequest()))).toBe(
      'NOT_COORDINATOR',
    )
    expect(await errorOf(coordinator.heartbeat(heartbeat))).toBe('NOT_COORDINATOR')
    await expect(coordinator.fetchOffsets(fetchRequest)).rejects.toThrow('NOT_COORDINATOR')
    await expect(coordinator.describe('g', true)).rejects.toThrow('NOT_COORDINATOR')
    log.isUnreadable = false
    await clock.advance(60_000)
    expect(await errorOf(coordinator.heartbeat(heartbeat))).toBe('UNKNOWN_MEMBER_ID')
  })

  test('parked requests are answered when leadership goes', async () => {
    const { coordinator } = await groups()
    const join = coordinator.join(client, joinOptions(3), joinRequest())
    expect(await isParked(join)).toBe(true)
    coordinator.resigned(0)
    expect(await errorOf(join)).toBe('NOT_COORDINATOR')
  })
})

describe('answers and the log', () => {
  test('an answer waits for the commit of all that it may show', async () => {
    const { coordinator, log } = await groups()
    log.isHeld = true
    const commit = coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(5) })
    const fetch = coordinator.fetchOffsets(fetchRequest)
    expect(await isParked(commit)).toBe(true)
    expect(await isParked(fetch)).toBe(true)
    log.commit()
    expect((await fetch)[0]!.partitions[0]!.committedOffset).toBe(5)
    await commit
  })

  test('after a failed append the log is read anew: nothing of it is left', async () => {
    const { coordinator, log, clock } = await groups()
    await coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(5) })
    log.fail()
    const failed = coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(6) })
    const parked = coordinator.fetchOffsets(fetchRequest)
    await expect(failed).rejects.toMatchObject({ reason: 'NOT_COORDINATOR' })
    await expect(parked).rejects.toMatchObject({ reason: 'NOT_COORDINATOR' })
    await expect(coordinator.fetchOffsets(fetchRequest)).rejects.toMatchObject({
      reason: 'COORDINATOR_LOAD_IN_PROGRESS',
    })
    await clock.advance(100)
    expect((await coordinator.fetchOffsets(fetchRequest))[0]!.partitions[0]!.committedOffset).toBe(
      5,
    )
  })

  test('a restart finds members and offsets; each member has its session time', async () => {
    const { coordinator, log, clock } = await groups({
      config: { groupInitialRebalanceDelayMs: 0 },
    })
    const joined = coordinator.join(client, joinOptions(3), joinRequest())
    await clock.advance(0)
    const { memberId } = await joined
    const request = {
      groupId: 'g',
      memberId,
      generationId: 1,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
    }
    const assignments = [{ memberId, assignment: Buffer.from('all') }]
    await coordinator.sync({ ...request, assignments })
    const commit = { ...commitRequest, memberId, generationIdOrMemberEpoch: 1 }
    await coordinator.commitOffsets(true, { ...commit, topics: commitOf(7, 'note') })

    const again = await groups({ log })
    expect(await errorOf(again.coordinator.heartbeat(request))).toBe('NONE')
    expect((await again.coordinator.describe('g', false)).members[0]!.memberAssignment).toEqual(
      Buffer.from('all'),
    )
    expect((await again.coordinator.fetchOffsets(fetchRequest))[0]!.partitions[0]).toEqual({
      partitionIndex: 0,
      committedOffset: 7,
      committedLeaderEpoch: 3,
      metadata: 'note',
      errorCode: 0,
    })
    await again.clock.advance(10_000)
    expect((await again.coordinator.describe('g', false)).groupState).toBe('Empty')
  })

  test('what Apache Kafka wrote is understood', async () => {
    const log = new MemoryLog()
    log.batches.push(...(await goldenBatches(39)), ...(await goldenBatches(18)))
    log.batches.push(...(await goldenBatches(14)))
    const { coordinator } = await groups({ log })
    expect((await coordinator.list([], [])).map(({ groupId }) => groupId).sort()).toEqual([
      'g-classic',
      'g-classic-static',
      'g-txn',
    ])
    const { members, groupState } = await coordinator.describe('g-classic-static', false)
    expect(groupState).toBe('Stable')
    expect(members[0]).toMatchObject({ groupInstanceId: 'i-1', clientHost: '/127.0.0.1' })
    expect(readSubscription(members[0]!.memberMetadata as Buffer).topics).toEqual(['t'])
    const [topic] = await coordinator.fetchOffsets({ ...fetchRequest, groupId: 'g-txn' })
    expect(topic!.partitions[0]).toMatchObject({ committedOffset: 5, metadata: 'in-txn' })
  })
})

describe('committed offsets', () => {
  test.each([
    ['ILLEGAL_GENERATION', 8, { generationIdOrMemberEpoch: 1, memberId: 'm' }],
    ['GROUP_ID_NOT_FOUND', 9, { generationIdOrMemberEpoch: 1, memberId: 'm' }],
  ])('need a group: %s in v%i', async (error, version, o) => {
    const { coordinator } = await groups()
    const request = { ...commitRequest, ...o, topics: commitOf(1) }
    await expect(coordinator.commitOffsets(version >= 9, request)).rejects.toMatchObject({
      reason: error,
    })
  })

  test('a group with members takes no commits from outside, nor during a sync', async () => {
    const { coordinator, clock } = await groups({ config: { groupInitialRebalanceDelayMs: 0 } })
    const joined = coordinator.join(client, joinOptions(3), joinRequest())
    const outside = { ...commitRequest, topics: commitOf(1) }
    await expect(coordinator.commitOffsets(true, outside)).rejects.toMatchObject({
      reason: 'UNKNOWN_MEMBER_ID',
    })
    await clock.advance(0)
    const { memberId } = await joined
    const inside = { ...outside, memberId, generationIdOrMemberEpoch: 1 }
    await expect(coordinator.commitOffsets(true, inside)).rejects.toMatchObject({
      reason: 'REBALANCE_IN_PROGRESS',
    })
    await expect(
      coordinator.commitOffsets(true, { ...inside, generationIdOrMemberEpoch: 0 }),
    ).rejects.toMatchObject({ reason: 'ILLEGAL_GENERATION' })
  })

  test('metadata may not be longer than offset.metadata.max.bytes', async () => {
    const { coordinator } = await groups({ config: { offsetMetadataMaxBytes: 3 } })
    const { topics } = await coordinator.commitOffsets(true, {
      ...commitRequest,
      topics: commitOf(1, 'four'),
    })
    expect(topics[0]!.partitions[0]!.errorCode).toBe(12)
    expect(await coordinator.fetchOffsets(fetchRequest)).toEqual([])
  })

  test('expire in an empty group, and the group with them', async () => {
    const { coordinator, clock, log } = await groups({ config: { offsetsRetentionMs: 1_000_000 } })
    await coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(1) })
    await clock.advance(600_000)
    expect(await coordinator.list([], [])).toHaveLength(1)
    await clock.advance(600_000)
    expect(await coordinator.list([], [])).toEqual([])
    expect(log.batches.at(-1)!.records.map(({ value }) => value)).toEqual([null, null])
  })

  test('go with their topic, but not those of a topic of the same name made later', async () => {
    const { coordinator } = await groups()
    await coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(1) })
    coordinator.topicsDeleted([{ name: 't', id: idOf('older') }])
    expect(await coordinator.fetchOffsets(fetchRequest)).toHaveLength(1)
    coordinator.topicsDeleted([{ name: 't', id: idOf('t') }])
    expect(await coordinator.fetchOffsets(fetchRequest)).toEqual([])
  })

  test('are deleted one by one, or with the group', async () => {
    const { coordinator } = await groups()
    await coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(1) })
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] }]
    const deleted = await coordinator.deleteOffsets({ groupId: 'g', topics })
    expect(deleted.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([0, 0])
    expect(await coordinator.fetchOffsets(fetchRequest)).toEqual([])
    expect(await coordinator.delete('g')).toEqual({ groupId: 'g', errorCode: 0 })
    await expect(coordinator.delete('g')).rejects.toMatchObject({ reason: 'GROUP_ID_NOT_FOUND' })
  })
})

describe('offsets that are committed within a transaction', () => {
  const producer = { producerId: 7, producerEpoch: 0, guard: undefined }
  const request = { ...commitRequest, topics: commitOf(9, 'in a transaction') }
  const marker = { producerId: 7, producerEpoch: 0, coordinatorEpoch: 0 }
  const stable = { ...fetchRequest, requireStable: true }
  const asked = [{ name: 't', topicId: idOf('t'), partitionIndexes: [0] }]
  const offsetOf = async (fetching: Promise<any[]>) => (await fetching)[0].partitions[0]

  test('are unstable until the transaction ends, and count if it is committed', async () => {
    const { coordinator, log } = await groups()
    await coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(5) })
    await coordinator.commitTransactionalOffsets(false, producer, request)
    const unstable = await offsetOf(coordinator.fetchOffsets({ ...stable, topics: asked }))
    expect(unstable).toMatchObject({ committedOffset: -1, errorCode: 88 })
    expect(await offsetOf(coordinator.fetchOffsets(fetchRequest))).toMatchObject({
      committedOffset: 5,
    })
    const again = await groups({ log })
    for (const on of [coordinator, again.coordinator]) {
      await on.endTransaction(0, { ...marker, isCommit: true })
      expect(await offsetOf(on.fetchOffsets(stable))).toMatchObject({
        committedOffset: 9,
        metadata: 'in a transaction',
        errorCode: 0,
      })
    }
  })

  test('are forgotten if it is aborted, or if something newer was committed', async () => {
    const { coordinator } = await groups()
    await coordinator.commitTransactionalOffsets(false, producer, request)
    await coordinator.endTransaction(0, { ...marker, isCommit: false })
    expect(await coordinator.fetchOffsets(stable)).toEqual([])
    await coordinator.commitTransactionalOffsets(false, producer, request)
    await coordinator.commitOffsets(true, { ...commitRequest, topics: commitOf(6) })
    await coordinator.endTransaction(0, { ...marker, isCommit: true })
    expect(await offsetOf(coordinator.fetchOffsets(stable))).toMatchObject({ committedOffset: 6 })
  })
})

// With ids joined by a slash the two members shared one timer: the heartbeats of one kept the
// other alive.
test('ids that look alike when joined have session times of their own', async () => {
  const { coordinator, clock } = await groups()
  const beat = (groupId: string, memberId: string, memberEpoch: number) =>
    coordinator.consumerHeartbeat(client, true, {
      ...{ groupId, memberId, memberEpoch, instanceId: null, rackId: null },
      ...{ rebalanceTimeoutMs: 60_000, subscribedTopicNames: ['t'], subscribedTopicRegex: null },
      ...{ serverAssignor: null, topicPartitions: memberEpoch === 0 ? [] : null },
    })
  await beat('a', 'b/c', 0)
  const { memberEpoch } = await beat('a/b', 'c', 0)
  for (let i = 0; i < 10; i++) {
    await clock.advance(9000)
    expect(await errorOf(beat('a/b', 'c', memberEpoch))).toBe('NONE')
  }
  expect((await coordinator.describeConsumer('a')).members).toHaveLength(0)
  expect((await coordinator.describeConsumer('a/b')).members).toHaveLength(1)
})
