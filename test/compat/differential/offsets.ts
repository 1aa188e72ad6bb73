import { type Scenario, stable } from './classic.ts'
import type { JsonObject } from './wire.ts'

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const versions: Scenario[] = [
  ...range(2, 10).map<Scenario>((v) => [
    `commit v${v}`,
    async (r) => {
      await r.commit({}, v, [{}, { partitionIndex: 1, committedMetadata: null }])
      await r.fetch()
      await r.commit({ generationIdOrMemberEpoch: 3, memberId: 'x' }, v)
    },
  ]),
  ...range(1, 10).map<Scenario>((v) => [
    `fetch v${v}`,
    async (r) => {
      await r.fetch({}, v)
      await r.commit({}, 9, [{ committedOffset: 7 }])
      await r.fetch({}, v)
      if (v >= 2) await r.fetch({}, v, null)
      if (v >= 9) await r.fetch({ memberId: 'm', memberEpoch: 1 }, v)
    },
  ]),
  ...range(0, 6).map<Scenario>((v) => [
    `describe v${v}`,
    async (r) => {
      await r.describe([r.group, 'no-such-group', ''], v)
      await stable(r)
      await r.describe([r.group], v, { includeAuthorizedOperations: true })
    },
  ]),
  ...range(0, 5).map<Scenario>((v) => [
    `list v${v}`,
    async (r) => {
      await r.commit()
      await r.list(v)
      await stable(r)
      await r.list(v)
    },
  ]),
  ...range(0, 3).map<Scenario>((v) => [
    `delete v${v}`,
    async (r) => {
      await r.delete([r.group, r.group, ''], v)
      await stable(r)
      await r.delete([r.group], v)
    },
  ]),
]

const commits: Scenario[] = Object.entries<JsonObject>({
  'a negative generation and a member id': { memberId: 'nobody' },
  'a stale generation': { generationIdOrMemberEpoch: 0 },
  'no member': { memberId: '' },
  'an unknown member': { memberId: 'nobody', generationIdOrMemberEpoch: 1 },
  'an unknown instance': { groupInstanceId: 'i', generationIdOrMemberEpoch: 1 },
  'an empty group id': { groupId: '' },
}).flatMap(([what, o]) =>
  [8, 9].map<Scenario>((v) => [
    `commit v${v} with ${what}`,
    async (r) => {
      const id = await stable(r)
      await r.commit({ memberId: id, ...o }, v)
      await r.fetch({ groupId: String(o.groupId ?? r.group) })
    },
  ]),
)

const more: Scenario[] = [
  [
    'a commit of a topic and of partitions that are not there',
    async (r) => {
      await r.commit({ topic: 'no-such-topic' })
      await r.commit({}, 9, [{}, { partitionIndex: 9 }, { partitionIndex: -1 }])
      await r.fetch({}, 9, [{ name: 'no-such-topic', partitionIndexes: [0] }])
      await r.fetch({}, 9, [{ name: 't', partitionIndexes: [9] }])
    },
  ],
  [
    'topic ids that are not there',
    async (r) => {
      const topicId = 'AAAAAAAAAAAAAAAAAAAAZg'
      const partitions = [
        { partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: '' },
      ]
      await r.commit({ topics: [{ name: '', topicId, partitions }] }, 10)
      await r.fetch({}, 10, [{ name: 't', topicId, partitionIndexes: [0] }])
    },
  ],
  ['too much metadata', (r) => r.commit({}, 9, [{ committedMetadata: 'x'.repeat(65) }])],
  [
    'metadata beyond ASCII',
    (r) => r.commit({}, 9, [{ committedMetadata: 'ä€😀' }]).then(() => r.fetch()),
  ],
  [
    'a retention of its own',
    async (r) => {
      await r.commit({ retentionTimeMs: 100_000 }, 4)
      await r.fetch()
    },
  ],
  [
    'offsets are deleted, but not of topics that are subscribed to',
    async (r) => {
      await r.deleteOffsets([0])
      await r.commit({ topic: 'u' })
      await r.commit()
      await stable(r)
      await r.deleteOffsets([0, 1])
      await r.deleteOffsets([0, 7], { topic: 'u' })
      await r.deleteOffsets([0], { topic: 'no-such-topic' })
      await r.deleteOffsets([0], { groupId: '' })
      await r.fetch({}, 9, null)
    },
  ],
  [
    'offsets of a group of another kind are not deleted while it lives',
    async (r) => {
      await stable(r, { protocolType: 'connect' })
      await r.deleteOffsets([0])
    },
  ],
  [
    'a group is deleted with its offsets',
    async (r) => {
      const id = await stable(r)
      await r.commit({ memberId: id, generationIdOrMemberEpoch: 1 })
      await r.leave([{ memberId: id }])
      await r.commit()
      await r.describe()
      await r.delete()
      await r.fetch()
      await r.describe()
    },
  ],
  [
    'lists are filtered',
    async (r) => {
      await stable(r)
      await r.list(4, { statesFilter: ['Stable'] })
      await r.list(4, { statesFilter: [' stable '] })
      await r.list(4, { statesFilter: ['Empty', 'Dead'] })
      await r.list(5, { typesFilter: ['classic'] })
      await r.list(5, { typesFilter: ['Consumer'] })
      await r.list(5, { typesFilter: ['nonsense'] })
    },
  ],
]

export const offsetScenarios = [...versions, ...commits, ...more]
