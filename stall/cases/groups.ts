import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { joinGroup } from '../../src/protocol/messages/11-join-group.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { leaveGroup } from '../../src/protocol/messages/13-leave-group.ts'
import { syncGroup } from '../../src/protocol/messages/14-sync-group.ts'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.ts'
import { listGroups } from '../../src/protocol/messages/16-list-groups.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.ts'
import { endTxn } from '../../src/protocol/messages/26-end-txn.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.ts'
import { deleteGroups } from '../../src/protocol/messages/42-delete-groups.ts'
import { offsetDelete } from '../../src/protocol/messages/47-offset-delete.ts'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.ts'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.ts'
import { consumerGroupHeartbeat } from '../../src/protocol/messages/68-consumer-group-heartbeat.ts'
import { consumerGroupDescribe } from '../../src/protocol/messages/69-consumer-group-describe.ts'
import { one, type StallCase } from '../case.ts'
import type { Sender } from '../sender.ts'
import { hostile, many, times, topicName, wideTopic } from './many.ts'

const groupName = (i: number) => `group-${i}`

const committing = (topic: string, count: number, groupId = 'committer') => ({
  ...{ groupId, memberId: '', generationIdOrMemberEpoch: -1 },
  topics: [
    {
      name: topic,
      partitions: times(count, (partitionIndex) => ({
        partitionIndex,
        committedOffset: 5,
        committedMetadata: '',
      })),
    },
  ],
})

/** Valid RE2 expressions that take long to compile or to match. */
const expressions = {
  nested: `(${'a?'.repeat(9_000)})*`,
  counted: times(1_000, (i) => `(x${i}{900}.*)`).join('|'),
  alternatives: times(3_000, (i) => `t${i}.*`).join('|'),
  classes: times(300, () => '[\\pL\\pN\\pS]{3}').join(''),
}

const subscribing = (expression: string, name: string) => ({
  ...{
    groupId: `regex-${name}`,
    memberId: `member-${name}`,
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
  },
  ...{ rebalanceTimeoutMs: 60_000, subscribedTopicNames: null, subscribedTopicRegex: expression },
  ...{ serverAssignor: null, topicPartitions: [] },
})

/**
 * Returns the second JoinGroup of a classic group's member, with the member id that it was given.
 */
async function joining(sender: Sender, groupId: string) {
  const member = {
    ...{ groupId, sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 6_000, protocolType: 'consumer' },
    ...{ memberId: '', protocols: [{ name: 'any', metadata: Buffer.alloc(0) }] },
  }
  const { memberId } = await sender.ask(joinGroup, 9, member)
  return { ...member, memberId: memberId as string }
}

/** Initializes a producer with the transactional id. */
async function producer(sender: Sender, transactionalId: string) {
  const initialising = { ...{ transactionalId, transactionTimeoutMs: 60_000 }, ...nobodyYet }
  const { producerId, producerEpoch } = await sender.ask(initProducerId, 4, initialising)
  return { transactionalId, producerId, producerEpoch }
}

const nobodyYet = { producerId: -1, producerEpoch: -1 }

type Producer = Awaited<ReturnType<typeof producer>>

const adding = ({ transactionalId, producerId, producerEpoch }: Producer, count: number) => ({
  v3AndBelowTransactionalId: transactionalId,
  v3AndBelowProducerId: producerId,
  v3AndBelowProducerEpoch: producerEpoch,
  v3AndBelowTopics: [{ name: wideTopic, partitions: times(count, (i) => i) }],
})

/** A state machine's decision must not be interrupted. */
const inOnePiece = 'a group is decided on in one piece: 2 µs a name, 10 µs a topic that it finds'

const nobody = { expects: ['UNKNOWN_MEMBER_ID'] } as const

export const groupCases: readonly StallCase[] = [
  one('10,000 partitions', offsetCommit, 9, () => committing(wideTopic, many)),
  one('100,000 partitions, most of them not there', offsetCommit, 9, () =>
    committing(wideTopic, hostile),
  ),
  {
    title: 'OffsetCommit: one partition, by 10,000 groups',
    api: offsetCommit,
    version: 9,
    isPipelined: true,
    bodies: () => times(many, (i) => committing(topicName(0), 1, groupName(i))),
  },
  one('all of a group of 10,000 partitions', offsetFetch, 9, () => ({
    groups: [{ groupId: 'committer', topics: null }],
  })),
  one('10,000 groups', offsetFetch, 9, () => ({
    groups: times(many, (i) => ({ groupId: groupName(i), topics: null })),
  })),
  one('100,000 partitions of a group', offsetFetch, 9, () => ({
    groups: [
      {
        groupId: 'committer',
        topics: [{ name: wideTopic, partitionIndexes: times(hostile, (i) => i) }],
      },
    ],
  })),
  one('100,000 keys', findCoordinator, 6, () => ({
    keyType: 0,
    coordinatorKeys: times(hostile, groupName),
  })),
  one('900 protocols of 100 KB', joinGroup, 9, async (sender, run) => ({
    ...(await joining(sender, `large-${run}`)),
    protocols: times(900, (i) => ({ name: `p${i}`, metadata: Buffer.alloc(100_000) })),
  })),
  one('100,000 protocols', joinGroup, 9, async (sender, run) => ({
    ...(await joining(sender, `various-${run}`)),
    protocols: times(hostile, (i) => ({ name: `p${i}`, metadata: Buffer.alloc(4) })),
  })),
  {
    title: 'JoinGroup: 2,000 members of one group, a connection each',
    api: joinGroup,
    version: 3,
    isSpread: true,
    bodies: (_sender, run) =>
      times(2_000, () => ({
        ...{ groupId: `crowd-${run}`, sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 1_000 },
        ...{ memberId: '', protocolType: 'consumer' },
        protocols: [{ name: 'range', metadata: Buffer.alloc(100) }],
      })),
  },
  one(
    'as nobody',
    heartbeat,
    4,
    () => ({ groupId: 'g', generationId: 1, memberId: 'm'.repeat(30_000) }),
    nobody,
  ),
  one(
    '100,000 members that are not there',
    leaveGroup,
    5,
    () => ({ groupId: 'crowd-0', members: times(hostile, (i) => ({ memberId: `m${i}` })) }),
    nobody,
  ),
  one('100,000 assignments', syncGroup, 5, async (sender, run) => {
    const groupId = `assigning-${run}`
    const protocols = [{ name: 'range', metadata: Buffer.alloc(100) }]
    const member = { ...(await joining(sender, groupId)), protocols }
    const { generationId } = await sender.ask(joinGroup, 9, member)
    return {
      ...{ groupId, generationId, memberId: member.memberId },
      ...{ protocolType: 'consumer', protocolName: 'range' },
      assignments: times(hostile, (i) => ({ memberId: `m${i}`, assignment: Buffer.alloc(8) })),
    }
  }),
  one('10,000 groups', describeGroups, 6, () => ({ groups: times(many, groupName) })),
  one('10,000 groups', listGroups, 5, () => ({ statesFilter: [], typesFilter: [] })),
  one(
    '10,000 groups of another kind',
    consumerGroupDescribe,
    1,
    () => ({ groupIds: times(many, groupName) }),
    { expects: ['GROUP_ID_NOT_FOUND'] },
  ),
  one(
    '100,000 groups that are not there',
    deleteGroups,
    2,
    () => ({ groupsNames: times(hostile, (i) => `absent-${i}`) }),
    { expects: ['GROUP_ID_NOT_FOUND'] },
  ),
  one('10,000 groups', deleteGroups, 2, async (sender, run) => {
    const groupsNames = times(many, (i) => `short-lived-${run}-${i}`)
    for (const name of groupsNames)
      await sender.ask(offsetCommit, 9, committing(topicName(0), 1, name))
    return { groupsNames }
  }),
  one('10,000 partitions', offsetDelete, 0, async (sender, run) => {
    const groupId = `forgetting-${run}`
    await sender.ask(offsetCommit, 9, committing(wideTopic, many, groupId))
    return {
      groupId,
      topics: [
        { name: wideTopic, partitions: times(many, (partitionIndex) => ({ partitionIndex })) },
      ],
    }
  }),
  one('a transactional id of 30 KB', initProducerId, 4, () => ({
    ...{
      transactionalId: 't'.repeat(30_000),
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
    },
  })),
  one('10,000 partitions', addPartitionsToTxn, 3, async (sender, run) =>
    adding(await producer(sender, `adding-${run}`), many),
  ),
  one(
    '100,000 partitions, most of them not there',
    addPartitionsToTxn,
    3,
    async (sender, run) => adding(await producer(sender, `adding-${run}`), hostile),
    { expects: ['UNKNOWN_TOPIC_OR_PARTITION'] },
  ),
  one('10,000 partitions', endTxn, 4, async (sender, run) => {
    const one = await producer(sender, `ending-${run}`)
    await sender.ask(addPartitionsToTxn, 3, adding(one, many))
    return { ...one, committed: true }
  }),
  one('10,000 partitions', txnOffsetCommit, 3, async (sender, run) => {
    const one = await producer(sender, `committing-${run}`)
    await sender.ask(addOffsetsToTxn, 3, { ...one, groupId: 'committer' })
    return { ...committing(wideTopic, many), ...one }
  }),
  one(
    '100,000 ids that are not there',
    describeTransactions,
    0,
    () => ({ transactionalIds: times(hostile, (i) => `t${i}`) }),
    { expects: ['TRANSACTIONAL_ID_NOT_FOUND'] },
  ),
  {
    title: 'InitProducerId: 10,000 transactional ids',
    api: initProducerId,
    version: 4,
    isPipelined: true,
    bodies: () =>
      times(many, (i) => ({
        ...{ transactionalId: `tx-${i}`, transactionTimeoutMs: 60_000, ...nobodyYet },
      })),
  },
  one('10,000 transactional ids', listTransactions, 1, () => ({
    stateFilters: [],
    producerIdFilters: [],
    durationFilter: -1,
  })),
  ...Object.entries(expressions).map(([kind, transactionalIdPattern]) =>
    one(
      `an expression of ${transactionalIdPattern.length} characters, ${kind}`,
      listTransactions,
      2,
      () => ({
        ...{ stateFilters: [], producerIdFilters: [], durationFilter: -1, transactionalIdPattern },
      }),
    ),
  ),
  ...Object.entries(expressions).map(([kind, expression], i) =>
    one(
      `an expression of ${expression.length} characters, ${kind}`,
      consumerGroupHeartbeat,
      1,
      (_sender, run) => subscribing(expression, `${i}-${run}`),
    ),
  ),
  one(
    '25,000 subscribed names',
    consumerGroupHeartbeat,
    1,
    (_sender, run) => ({
      ...subscribing('', `names-${run}`),
      ...{ subscribedTopicRegex: null, subscribedTopicNames: times(25_000, topicName) },
    }),
    { reason: inOnePiece },
  ),
  one(
    '100,000 subscribed names, more than its log takes',
    consumerGroupHeartbeat,
    1,
    (_sender, run) => ({
      ...subscribing('', `too-many-${run}`),
      ...{ subscribedTopicRegex: null, subscribedTopicNames: times(hostile, topicName) },
    }),
    {
      expects: ['UNKNOWN_SERVER_ERROR'],
      reason: inOnePiece,
    },
  ),
]
