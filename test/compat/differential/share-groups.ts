import type { Scenario } from './classic.ts'
import type { Requests } from './requests.ts'
import { pause } from './session.ts'
import type { JsonObject } from './wire.ts'

/** A heartbeat of a share group; `o` replaces its usual values. */
const beat = (r: Requests, o: JsonObject = {}, quiet = false) => {
  const usual = { groupId: r.group, memberId: 'a', memberEpoch: 0, rackId: null }
  const body = { ...usual, subscribedTopicNames: ['t'], ...o }
  return r.session.send('ShareGroupHeartbeat', 1, body, { quiet })
}

const describe = (
  r: Requests,
  groupIds: string[] = [r.group],
  includeAuthorizedOperations = false,
) => r.session.send('ShareGroupDescribe', 1, { groupIds, includeAuthorizedOperations })

const text = (answer: JsonObject) => JSON.stringify(answer)

const countOf = (answer: JsonObject) => {
  const topics = (answer.assignment as JsonObject | null)?.topicPartitions ?? []
  return (topics as { partitions: number[] }[]).flatMap((one) => one.partitions).length
}

/** Keeps how many partitions a member gets: which ones depends on the random id of the topic. */
async function counted(r: Requests, o: JsonObject = {}) {
  const answer = await beat(r, o, true)
  const { errorCode, errorMessage, memberEpoch } = answer
  const kept = { errorCode, errorMessage, memberEpoch, partitions: countOf(answer) } as JsonObject
  r.session.note('heartbeat', kept)
  return kept
}

const untilCounted = (r: Requests, count: number, o: JsonObject = {}) =>
  r.session.until(
    ({ partitions }) => partitions === count,
    () => counted(r, o),
  )

/** Heartbeats of a member until it has so many partitions; only the last is kept. */
const until = (r: Requests, count: number, o: JsonObject = {}) =>
  r.session.until(
    (answer) => countOf(answer) === count,
    () => beat(r, { memberEpoch: 0, ...o }),
  )

/** Keeps what the list says of the scenario's group: other scenarios have theirs. */
async function list(r: Requests, typesFilter: string[] = [], statesFilter: string[] = []) {
  const body = { statesFilter, typesFilter }
  const { groups } = await r.session.send('ListGroups', 5, body, { quiet: true })
  const own = (groups as { groupId: string }[]).filter(({ groupId }) => groupId === r.group)
  r.session.note('listed', own)
}

const remove = (r: Requests, groupsNames = [r.group]) =>
  r.session.send('DeleteGroups', 2, { groupsNames })

const oddities: Record<string, JsonObject> = {
  'an empty group id': { groupId: '' },
  'a blank group id': { groupId: ' ' },
  'no member id': { memberId: '' },
  'a blank member id': { memberId: ' ' },
  'a long member id': { memberId: 'm'.repeat(37) },
  'the longest member id': { memberId: 'm'.repeat(36) },
  'an empty rack': { rackId: '' },
  'no topics': { subscribedTopicNames: null },
  'an empty list of topics': { subscribedTopicNames: [] },
  'an unknown topic': { subscribedTopicNames: ['no-such-topic'] },
  'a topic twice': { subscribedTopicNames: ['t', 't'] },
  'a member epoch too many': { memberEpoch: 1 },
  'a leave without a group': { memberEpoch: -1 },
  'a static leave': { memberEpoch: -2 },
}

const describeOffsets = (r: Requests, groups: JsonObject[], version = 1) =>
  r.session.send('DescribeShareGroupOffsets', version, { groups })

const alterOffsets = (r: Requests, topics: Record<string, [number, number][]>, groupId = r.group) =>
  r.session.send('AlterShareGroupOffsets', 0, {
    groupId,
    topics: Object.entries(topics).map(([topicName, partitions]) => ({
      topicName,
      partitions: partitions.map(([partitionIndex, startOffset]) => ({
        partitionIndex,
        startOffset,
      })),
    })),
  })

const deleteOffsets = (r: Requests, topicNames: string[], groupId = r.group) =>
  r.session.send('DeleteShareGroupOffsets', 0, {
    groupId,
    topics: topicNames.map((topicName) => ({ topicName })),
  })

/** All that can be asked about the offsets of a group. */
async function allOffsets(r: Requests) {
  const some = [{ topicName: 't', partitions: [0, 1, 2, -1] }]
  const absent = [{ topicName: 'no-such-topic', partitions: [0, 3] }]
  for (const version of [0, 1]) {
    await describeOffsets(r, [{ groupId: r.group, topics: null }], version)
    await describeOffsets(r, [{ groupId: r.group, topics: some }], version)
    await describeOffsets(r, [{ groupId: r.group, topics: [...absent, ...some] }], version)
    await describeOffsets(r, [{ groupId: r.group, topics: [] }], version)
  }
}

const offsetScenarios: readonly Scenario[] = [
  [
    'share offsets: of no group',
    async (r) => {
      await allOffsets(r)
      await describeOffsets(r, [])
      await deleteOffsets(r, ['t'])
      await deleteOffsets(r, ['t'], '')
      await alterOffsets(r, { t: [[0, 1]] }, '')
      await alterOffsets(r, { 'no-such-topic': [[0, 1]] })
      await alterOffsets(r, { t: [[2, 1]] })
      await alterOffsets(r, {})
      await describe(r)
      await allOffsets(r)
    },
  ],
  [
    'share offsets: alter makes a group',
    async (r) => {
      const topics: Record<string, [number, number][]> = {
        t: [
          [0, 5],
          [1, 0],
          [2, 3],
        ],
        u: [[0, 7]],
      }
      await alterOffsets(r, topics)
      await describe(r)
      await list(r, ['share'])
      await r.session.until(
        (answer) => text(answer).includes('"startOffset":7'),
        () => describeOffsets(r, [{ groupId: r.group, topics: null }]),
      )
      await allOffsets(r)
      await alterOffsets(r, { t: [[0, 2]] })
      await allOffsets(r)
      await until(r, 2)
      await allOffsets(r)
      await alterOffsets(r, { t: [[0, 2]] })
      await deleteOffsets(r, ['t'])
    },
  ],
  [
    'share offsets: delete',
    async (r) => {
      await until(r, 2)
      await allOffsets(r)
      await beat(r, { memberEpoch: -1 })
      await deleteOffsets(r, ['u', 'no-such-topic'])
      await deleteOffsets(r, [])
      await deleteOffsets(r, ['t', 'u'])
      await allOffsets(r)
      await deleteOffsets(r, ['t'])
      await until(r, 2)
      await allOffsets(r)
    },
  ],
  [
    'share offsets: of a group of another kind',
    async (r) => {
      await r.commit()
      await allOffsets(r)
      await alterOffsets(r, { t: [[0, 1]] })
      await deleteOffsets(r, ['t'])
    },
  ],
]

export const shareGroupScenarios: readonly Scenario[] = [
  ...offsetScenarios,
  ...Object.entries(oddities).map<Scenario>(([what, o]) => [
    `share: ${what}`,
    async (r) => {
      await beat(r, o)
      await describe(r)
      await until(r, 2)
      await beat(r, { memberEpoch: 3, ...o })
      await beat(r, o)
    },
  ]),
  [
    'share: one member alone',
    async (r) => {
      await describe(r)
      await describe(r, [r.group, 'no-such-group', ''], true)
      await until(r, 2)
      await describe(r)
      await list(r, ['share'])
      await list(r, ['Share'], ['Stable'])
      await beat(r, { memberEpoch: -1 })
      await describe(r)
      await list(r, ['share'], ['empty'])
      await until(r, 2)
      await describe(r)
    },
  ],
  [
    'share: epochs of a member',
    async (r) => {
      await until(r, 2)
      for (const memberEpoch of [1, 2, 3, 4, 7, -1, 3, 0]) {
        await beat(r, { memberEpoch, subscribedTopicNames: null })
        await describe(r)
      }
    },
  ],
  [
    'share: two members of one topic',
    async (r) => {
      await until(r, 2)
      await counted(r, { memberId: 'b' })
      await untilCounted(r, 1, { memberId: 'b' })
      await untilCounted(r, 1)
      await beat(r, { memberEpoch: -1 })
      await pause(1100)
      await until(r, 2, { memberId: 'b' })
      await describe(r)
    },
  ],
  [
    'share: more members than partitions',
    async (r) => {
      await until(r, 2)
      for (const memberId of ['b', 'c', 'd']) await counted(r, { memberId })
      for (const memberId of ['a', 'b', 'c', 'd']) await untilCounted(r, 1, { memberId })
      await beat(r, { memberId: 'e' })
    },
  ],
  [
    'share: a topic more and a topic less',
    async (r) => {
      await until(r, 2)
      await beat(r, { memberEpoch: 3, subscribedTopicNames: ['t', 'u'] })
      await until(r, 3, { subscribedTopicNames: ['u', 't'] })
      await describe(r)
      await pause(1100)
      await until(r, 1, { subscribedTopicNames: ['u'] })
      await describe(r)
    },
  ],
  [
    'share: members of different topics',
    async (r) => {
      await until(r, 2)
      await until(r, 1, { memberId: 'b', subscribedTopicNames: ['u'] })
      await pause(1100)
      await until(r, 3, { memberId: 'c', subscribedTopicNames: ['w'] })
      await describe(r)
    },
  ],
  [
    'share: delete',
    async (r) => {
      await until(r, 2)
      await remove(r)
      await beat(r, { memberEpoch: -1 })
      await remove(r, [r.group, 'no-such-group'])
      await describe(r)
      await remove(r)
      await until(r, 2)
      await describe(r)
    },
  ],
  [
    'share: requests of other kinds',
    async (r) => {
      await until(r, 2)
      await r.join()
      await r.join({ memberId: 'a' })
      await r.sync({ memberId: 'a' })
      await r.heartbeat({ memberId: 'a' })
      await r.leave([{ memberId: 'a' }])
      await r.commit()
      await r.fetch()
      await r.describe([r.group], 5)
      await r.describe([r.group], 6)
      await r.session.send('ConsumerGroupDescribe', 1, {
        groupIds: [r.group],
        includeAuthorizedOperations: false,
      })
      await r.session.send('OffsetDelete', 0, {
        groupId: r.group,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }],
      })
      await r.session.send('ConsumerGroupHeartbeat', 1, {
        groupId: r.group,
        memberId: 'a',
        memberEpoch: 0,
        instanceId: null,
        rackId: null,
        rebalanceTimeoutMs: 1000,
        subscribedTopicNames: ['t'],
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: [],
      })
      await beat(r, { memberEpoch: -1 })
      await r.join()
      await r.sync({ memberId: 'a' })
      await r.commit()
    },
  ],
  [
    'share: a group of another kind',
    async (r) => {
      await r.commit()
      await beat(r)
      await beat(r, { memberEpoch: 1 })
      await beat(r, { memberEpoch: -1 })
      await describe(r)
    },
  ],
  [
    'share: a session ends',
    async (r) => {
      await until(r, 2)
      await r.session.until(
        (answer) => text(answer).includes('Empty'),
        () => describe(r),
      )
      await beat(r, { memberEpoch: 3 })
    },
  ],
]
