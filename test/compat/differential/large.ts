import type { Scenario } from './classic.ts'
import { assignment, base64, type Requests } from './requests.ts'

/** More than the `message.max.bytes` of the brokers of this suite. */
const tooMuch = base64('x'.repeat(30_000))
const many = 400

const joinWith = async (r: Requests, metadata: string) => {
  const protocols = [{ name: 'range', metadata }]
  const memberId = String((await r.join({ protocols })).memberId)
  await r.join({ memberId, protocols })
  return memberId
}

/**
 * Records too large for `__consumer_offsets`: the group must continue, and no request may wait
 * forever.
 */
export const largeScenarios: readonly Scenario[] = [
  [
    'an assignment too large to be kept',
    async (r) => {
      const memberId = await joinWith(r, base64(''))
      await r.sync({ memberId, assignments: [{ memberId, assignment: tooMuch }] })
      await r.describe()
      const assignments = [{ memberId, assignment: assignment({ t: [0, 1] }) }]
      await r.join({ memberId, protocols: [{ name: 'range', metadata: base64('') }] })
      await r.sync({ memberId, generationId: 2, assignments })
      await r.heartbeat({ memberId, generationId: 2 })
    },
  ],
  [
    'a subscription too large to be kept',
    async (r) => {
      const memberId = await joinWith(r, tooMuch)
      await r.sync({ memberId, assignments: [{ memberId, assignment: base64('') }] })
      await r.describe()
    },
  ],
  [
    'a commit too large to be kept',
    async (r) => {
      const partitions = Array.from({ length: many }, (_, partitionIndex) => ({
        partitionIndex,
        committedMetadata: 'm'.repeat(60),
      }))
      await r.commit({ topic: 'many' }, 9, partitions)
      await r.fetch({}, 9, [{ name: 'many', partitionIndexes: [0, 399] }])
    },
  ],
]
