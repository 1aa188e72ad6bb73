import { offsetCommit } from '../../../src/protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/09-offset-fetch.ts'
import { stableAlone } from './groups.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic, nobodysId } from './topics.ts'

const simple = { generationIdOrMemberEpoch: -1, memberId: '' }

interface Place {
  readonly name: string
  readonly topicId: string
}
const place = (at: Place, partitionIndex: number, committedOffset: number, more: object = {}) => ({
  ...at,
  partitions: [{ partitionIndex, committedOffset, committedMetadata: 'm', ...more }],
})

export const offsetScenarios: readonly Scenario[] = [
  {
    api: offsetCommit,
    run: async (peer, version) => {
      const name = `commit.${version}`
      const at = { name, topicId: await makeTopic(peer, name, { numPartitions: 2 }) }
      const groupId = `commits.${version}`
      await peer.coordinated(groupId)
      const ask = (topics: object[], more: object = {}) =>
        peer.ask(offsetCommit, version, { groupId, ...simple, topics, ...more })
      await ask([place(at, 0, 5)])
      await ask([place(at, 1, 7, { committedLeaderEpoch: 0, committedMetadata: null })])
      await ask([place(at, 9, 5)])
      await ask([place(at, 0, 6, { committedMetadata: 'x'.repeat(5_000) })])
      await ask([place({ name: 'absent', topicId: nobodysId }, 0, 5), place(at, 0, 8)])
      await ask([place(at, 0, -1)])
      await ask([])
      await ask([place(at, 0, 5)], { groupId: '' })
      await ask([place(at, 0, 5)], { memberId: 'nobody' })
      await ask([place(at, 0, 5)], { generationIdOrMemberEpoch: 3, memberId: 'nobody' })
      const stable = `commits.stable.${version}`
      const memberId = await stableAlone(peer, stable)
      await ask([place(at, 0, 5)], { groupId: stable })
      const member = { groupId: stable, memberId }
      await ask([place(at, 0, 5)], { ...member, generationIdOrMemberEpoch: 1 })
      await ask([place(at, 0, 6)], { ...member, generationIdOrMemberEpoch: 2 })
      await ask([place(at, 0, 6)], { ...member, generationIdOrMemberEpoch: -1 })
      if (version >= 7) {
        const instance = { groupInstanceId: 'never seen' }
        await ask([place(at, 0, 6)], { ...member, ...instance, generationIdOrMemberEpoch: 1 })
      }
      const asked = { groupId, topics: [{ name, partitionIndexes: [0, 1, 9] }] }
      await peer.ask(offsetFetch, 7, asked)
    },
  },
  {
    api: offsetFetch,
    run: async (peer, version) => {
      const name = `fetched.${version}`
      const at = { name, topicId: await makeTopic(peer, name, { numPartitions: 3 }) }
      const groupId = `fetches.${version}`
      await peer.coordinated(groupId)
      const topics = [place(at, 0, 5), place(at, 2, 6, { committedLeaderEpoch: 0 })]
      await peer.quietly(offsetCommit, 9, { groupId, ...simple, topics })
      const ask = (groups: { groupId: string; topics: object[] | null; memberId?: string }[]) =>
        peer.ask(offsetFetch, version, { ...groups[0], groups, requireStable: version >= 7 })
      const partitions = (...partitionIndexes: number[]) => ({ ...at, partitionIndexes })
      await ask([{ groupId, topics: [partitions(0, 1, 2, 9)] }])
      await ask([{ groupId, topics: [partitions()] }])
      await ask([{ groupId, topics: [] }])
      if (version >= 2) await ask([{ groupId, topics: null }])
      if (version >= 2) await ask([{ groupId: 'absent', topics: null }])
      await ask([{ groupId: 'absent', topics: [partitions(0)] }])
      await ask([{ groupId: '', topics: [partitions(0)] }])
      const nowhere = { name: 'absent', topicId: nobodysId, partitionIndexes: [0] }
      await ask([{ groupId, topics: [nowhere] }])
      if (version >= 8) {
        await ask([
          { groupId, topics: null },
          { groupId: 'absent', topics: [partitions(0)] },
        ])
      }
      if (version >= 9) await ask([{ groupId, topics: null, memberId: 'nobody' }])
    },
  },
]
