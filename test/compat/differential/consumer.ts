import { type Scenario, stable } from './classic.ts'
import { type Requests, subscription } from './requests.ts'
import { pause } from './session.ts'
import type { JsonObject } from './wire.ts'

type Owned = { topicId: string; partitions: number[] }[]

const ownedOf = (answer: JsonObject): Owned =>
  ((answer.assignment as { topicPartitions: Owned } | null)?.topicPartitions ?? []) as Owned
const epochOf = (answer: JsonObject) => Number(answer.memberEpoch)

const refusedEntries: Scenario[] = Object.entries<JsonObject>({
  'no member id': { memberId: '' },
  'a blank member id': { memberId: ' ' },
  'no group id': { groupId: '' },
  'a blank instance': { instanceId: '' },
  'a blank rack': { rackId: '' },
  'no rebalance timeout': { rebalanceTimeoutMs: -1 },
  'no partitions said': { topicPartitions: null },
  'no subscription': { subscribedTopicNames: null },
  'an unknown assignor': { serverAssignor: 'sticky' },
  'an epoch below the least': { memberEpoch: -3 },
  'a bad expression': { subscribedTopicNames: null, subscribedTopicRegex: '(' },
  'another bad expression': { subscribedTopicNames: null, subscribedTopicRegex: 'a**' },
}).flatMap(([what, o]) =>
  // Expressions exist since v1.
  (o.subscribedTopicRegex === undefined ? [0, 1] : [1]).map<Scenario>((v) => [
    `enter v${v} with ${what}`,
    (r) => r.enter(o, v),
  ]),
)

const refusedBeats: Scenario[] = Object.entries<JsonObject>({
  'an unknown group': { groupId: 'no-such-group' },
  'an unknown member': { memberId: 'nobody' },
  'an epoch to come': { memberEpoch: 9 },
  'a past epoch': { memberEpoch: 1 },
  'an unknown instance': { instanceId: 'i' },
  'a leave of nobody': { memberId: 'nobody', memberEpoch: -1 },
  'a leave of no instance': { memberEpoch: -2 },
  'a leave of an unknown instance': { memberEpoch: -2, instanceId: 'i' },
}).map(([what, o]) => [
  `beat with ${what}`,
  async (r) => {
    await r.enter()
    await r.beat({ memberEpoch: 2, ...o })
  },
])

/** Lets both members settle: the first gives up the partitions that the second gets. */
async function settleTwo(r: Requests): Promise<readonly [number, number]> {
  let first = await r.enter({ memberId: 'm-1' })
  let second = await r.enter({ memberId: 'm-2' })
  first = await r.beat({ memberId: 'm-1', memberEpoch: epochOf(first) })
  const kept = ownedOf(first)
  first = await r.beat({ memberId: 'm-1', memberEpoch: epochOf(first), topicPartitions: kept })
  second = await r.beat({ memberId: 'm-2', memberEpoch: epochOf(second) })
  return [epochOf(first), epochOf(second)]
}

const lives: Scenario[] = [
  ...[0, 1].map<Scenario>((v) => [
    `a member lives and leaves v${v}`,
    async (r) => {
      const { memberId } = await r.enter(v === 0 ? { memberId: '' } : {}, v)
      const id = String(memberId)
      await r.describeConsumer([r.group, 'no-such-group', ''], v)
      await r.beat({ memberId: id, memberEpoch: 2 }, v)
      await r.beat({ memberId: id, memberEpoch: 2, topicPartitions: [] }, v)
      await r.list()
      await r.describe()
      await r.beat({ memberId: id, memberEpoch: -1 }, v)
      await r.describeConsumer()
      await r.list()
      await r.beat({ memberId: id, memberEpoch: -1 }, v)
      await r.delete()
    },
  ]),
  [
    'two members settle',
    async (r) => {
      await settleTwo(r)
      await r.describeConsumer()
    },
  ],
  [
    'the one who is left gets all',
    async (r) => {
      const [first] = await settleTwo(r)
      await r.beat({ memberId: 'm-2', memberEpoch: -1 })
      await r.beat({ memberId: 'm-1', memberEpoch: first })
      await r.describeConsumer()
    },
  ],
  [
    'a full heartbeat is told its assignment again',
    async (r) => {
      const owned = ownedOf(await r.enter())
      const o = { memberEpoch: 2, rebalanceTimeoutMs: 30_000, subscribedTopicNames: ['t'] }
      await r.beat({ ...o, topicPartitions: owned as never })
    },
  ],
  [
    'a heartbeat with the epoch before, whose answer was lost',
    async (r) => {
      await r.enter()
      await r.beat({ memberEpoch: 2, subscribedTopicNames: ['t', 'u'] })
      await r.beat({ memberEpoch: 2, topicPartitions: [] })
      await r.beat({ memberEpoch: 2 })
      await r.describeConsumer()
    },
  ],
  [
    'a member joins again',
    async (r) => {
      await r.enter()
      await r.enter()
      await r.enter({ subscribedTopicNames: ['u'] })
      await r.describeConsumer()
    },
  ],
  [
    'a member drops all its topics',
    async (r) => {
      const owned = ownedOf(await r.enter({ subscribedTopicNames: ['t', 'u'] }))
      await r.beat({ memberEpoch: 2, subscribedTopicNames: [] })
      await r.describeConsumer()
      await r.beat({ memberEpoch: 2, topicPartitions: owned as never })
      await r.beat({ memberEpoch: 2, topicPartitions: [] })
      await r.describeConsumer()
    },
  ],
  [
    'a member wants what is not there',
    async (r) => {
      await r.enter({ subscribedTopicNames: ['no-such-topic'] })
      await r.beat({ memberEpoch: 2, subscribedTopicNames: ['t', 'no-such-topic'] })
      await r.describeConsumer()
    },
  ],
  ...['uniform', 'range'].map<Scenario>((serverAssignor) => [
    `the assignor ${serverAssignor}`,
    async (r) => {
      await r.enter({ serverAssignor, subscribedTopicNames: ['t', 'u', 'w'] })
      await r.describeConsumer()
      await r.beat({
        memberEpoch: 2,
        serverAssignor: serverAssignor === 'range' ? 'uniform' : 'range',
      })
      await r.describeConsumer()
    },
  ]),
  [
    'members with different topics',
    async (r) => {
      await r.enter({ memberId: 'm-1', subscribedTopicNames: ['t'] })
      await r.enter({ memberId: 'm-2', subscribedTopicNames: ['u'] })
      await r.beat({ memberId: 'm-1', memberEpoch: 2 })
      await r.describeConsumer()
    },
  ],
  [
    'a session runs out',
    async (r) => {
      await r.enter()
      await pause(2600)
      await r.beat({ memberEpoch: 2 })
      await r.describeConsumer()
    },
  ],
  [
    'a member does not give up in time',
    async (r) => {
      await r.enter({ memberId: 'm-1', rebalanceTimeoutMs: 500 })
      await r.enter({ memberId: 'm-2' })
      await r.beat({ memberId: 'm-1', memberEpoch: 2 })
      await pause(1000)
      await r.beat({ memberId: 'm-1', memberEpoch: 2 })
      await r.beat({ memberId: 'm-2', memberEpoch: 3 })
      await r.describeConsumer()
    },
  ],
  [
    'the group is full',
    async (r) => {
      for (const memberId of ['m-1', 'm-2', 'm-3', 'm-4', 'm-5']) await r.enter({ memberId })
      await r.enter({ memberId: 'm-1' })
    },
  ],
  [
    'racks, clients and instances are shown',
    async (r) => {
      await r.enter({ rackId: 'r1', instanceId: 'i' })
      await r.describeConsumer()
      await r.beat({ memberEpoch: 2, rackId: 'r2', instanceId: 'i' })
      await r.describeConsumer()
    },
  ],
]

const instance = { instanceId: 'i' }
const statics: Scenario[] = [
  [
    'a static member is away for a while',
    async (r) => {
      await r.enter({ ...instance })
      await r.enter({ memberId: 'm-2', ...instance })
      await r.beat({ memberEpoch: -2, ...instance })
      await r.describeConsumer()
      await r.beat({ memberEpoch: 2, ...instance })
      await r.enter({ memberId: 'm-2', ...instance })
      await r.beat({ memberEpoch: 2, ...instance })
      await r.beat({ memberId: 'm-2', memberEpoch: 2, ...instance })
      await r.describeConsumer()
      await r.beat({ memberEpoch: -1, ...instance })
      await r.beat({ memberId: 'm-2', memberEpoch: -1, ...instance })
      await r.describeConsumer()
    },
  ],
  [
    'a static member comes back with other topics',
    async (r) => {
      await r.enter({ ...instance })
      await r.beat({ memberEpoch: -2, ...instance })
      await r.enter({ memberId: 'm-2', ...instance, subscribedTopicNames: ['u'] })
      await r.describeConsumer()
    },
  ],
]

const byRegex = (subscribedTopicRegex: string) => ({
  subscribedTopicNames: null,
  subscribedTopicRegex,
})
const untilEpoch = (r: Requests, memberEpoch: number, next: number) =>
  r.session.until(
    (answer) => epochOf(answer) === next,
    () => r.beat({ memberEpoch }),
  )

const expressions: Scenario[] = [
  [
    'topics by expression',
    async (r) => {
      await r.enter(byRegex('[tu]'))
      await untilEpoch(r, 1, 2)
      await r.describeConsumer()
    },
  ],
  [
    'an expression that stands for nothing',
    async (r) => {
      await r.enter(byRegex('nothing.*'))
      await pause(300)
      await r.beat({ memberEpoch: 1 })
      await r.describeConsumer()
    },
  ],
  [
    'the same expression twice',
    async (r) => {
      // With one topic: with several, which partitions are given up depends on hashes.
      await r.enter({ memberId: 'm-1', ...byRegex('w|x') })
      await untilEpoch(r, 1, 2)
      await r.enter({ memberId: 'm-2', ...byRegex('w|x') })
      await r.describeConsumer()
    },
  ],
  [
    'an expression is taken back',
    async (r) => {
      await r.enter(byRegex('t'))
      await untilEpoch(r, 1, 2)
      await r.beat({ memberEpoch: 2, subscribedTopicRegex: '', subscribedTopicNames: ['u'] })
      await r.describeConsumer()
    },
  ],
]

const commits: Scenario[] = [
  ...[8, 9, 10].map<Scenario>((v) => [
    `a consumer commits v${v}`,
    async (r) => {
      await r.enter()
      const of = { memberId: 'm-1' }
      await r.commit({ ...of, generationIdOrMemberEpoch: 2 }, v)
      await r.commit({ ...of, generationIdOrMemberEpoch: 1 }, v)
      await r.commit({ ...of, generationIdOrMemberEpoch: 3 }, v)
      await r.commit({ memberId: 'x', generationIdOrMemberEpoch: 2 }, v)
      await r.commit({}, v)
    },
  ]),
  [
    'a consumer commits with an epoch before, for what it had then',
    async (r) => {
      await r.enter()
      await r.beat({ memberEpoch: 2, subscribedTopicNames: ['t', 'u'] })
      await r.commit({ memberId: 'm-1', generationIdOrMemberEpoch: 2 })
      await r.commit({ memberId: 'm-1', generationIdOrMemberEpoch: 2, topic: 'u' })
      await r.commit({ memberId: 'm-1', generationIdOrMemberEpoch: 3, topic: 'u' })
    },
  ],
  [
    'a consumer fetches',
    async (r) => {
      await r.commit()
      await r.enter()
      await r.fetch({ memberId: 'm-1', memberEpoch: 2 })
      await r.fetch({ memberId: 'm-1', memberEpoch: 1 })
      await r.fetch({ memberId: 'x', memberEpoch: 2 })
      await r.fetch()
      await r.deleteOffsets([0])
      await r.deleteOffsets([0], { topic: 'u' })
      await r.delete()
    },
  ],
]

const migrations: Scenario[] = [
  [
    'a classic group becomes a consumer group',
    async (r) => {
      const id = await stable(r)
      await r.enter()
      await r.list()
      await r.describeConsumer()
      await r.heartbeat({ memberId: id })
      await r.sync({ memberId: id })
      await r.commit({ memberId: id, generationIdOrMemberEpoch: 1 })
      const protocols = [{ name: 'range', metadata: subscription(['t'], { t: [0, 1] }) }]
      await r.join({ memberId: id, protocols })
      await r.describeConsumer()
      const given = [{ name: 'range', metadata: subscription(['t'], { t: [0] }) }]
      await r.join({ memberId: id, protocols: given })
      await r.sync({ memberId: id, generationId: 2 })
      await r.heartbeat({ memberId: id, generationId: 2 })
      await r.beat({ memberEpoch: 2 })
      await r.describeConsumer()
      await r.leave([{ memberId: id }, { memberId: 'x' }])
      await r.describeConsumer()
    },
  ],
  [
    'a consumer group becomes a classic group',
    async (r) => {
      const id = await stable(r)
      await r.enter()
      await r.beat({ memberEpoch: -1 })
      await r.list()
      await r.describe()
      await r.heartbeat({ memberId: id, generationId: 2 })
      await r.heartbeat({ memberId: id, generationId: 3 })
    },
  ],
  [
    'a classic member enters a consumer group',
    async (r) => {
      await r.enter()
      await r.join({ protocolType: 'connect' })
      await r.join({ protocols: [] })
      const id = String((await r.join()).memberId)
      await r.join({ memberId: id })
      await r.sync({ memberId: id, generationId: 3 })
      await r.heartbeat({ memberId: id, generationId: 3 })
      await r.heartbeat({ memberId: 'm-1', generationId: 2 })
      await r.describeConsumer()
    },
  ],
  [
    'an empty group changes its kind',
    async (r) => {
      const id = await stable(r)
      await r.leave([{ memberId: id }])
      await r.enter()
      await r.list()
      await r.beat({ memberEpoch: -1 })
      await r.join({}, 3)
      await r.list()
    },
  ],
  [
    'a group of another kind stays',
    (r) => stable(r, { protocolType: 'connect' }).then(() => r.enter()),
  ],
]

export const consumerScenarios = [
  ...refusedEntries,
  ...refusedBeats,
  ...lives,
  ...statics,
  ...expressions,
  ...commits,
  ...migrations,
]
