import { assignment, base64, type Requests, subscription } from './requests.ts'
import { pause } from './session.ts'
import type { JsonObject } from './wire.ts'

export type Scenario = readonly [name: string, run: (r: Requests) => Promise<unknown>]

const text = (answer: JsonObject, field: string) => String(answer[field])

/** Returns a member id, which must be requested first from v4 on. */
export async function memberId(r: Requests, o: JsonObject = {}, version = 9, on?: string) {
  return text(await r.join(o, version, on), 'memberId')
}

/** Creates a stable group of one member; returns its id. */
export async function stable(r: Requests, o: JsonObject = {}, version = 9): Promise<string> {
  const first = await r.join(o, version)
  const isTold = first.errorCode === 79
  const id = text(first, 'memberId')
  if (isTold) await r.join({ memberId: id, ...o }, version)
  const assignments = [{ memberId: id, assignment: assignment({ t: [0, 1] }) }]
  await r.sync({ memberId: id, assignments, groupInstanceId: o.groupInstanceId ?? null })
  return id
}

/** Creates a stable group of two members in generation 2; the first leads. */
export async function pair(r: Requests, o: JsonObject = {}): Promise<[string, string]> {
  const a = await stable(r, o)
  const b = await memberId(r, o, 9, 'b')
  const joined = r.join({ memberId: b, ...o }, 9, 'b')
  await inRebalance(r, a, 1)
  await r.join({ memberId: a, ...o })
  await joined
  const synced = r.sync({ memberId: b, generationId: 2 }, 5, 'b')
  await pause(50)
  const assignments = [
    { memberId: a, assignment: assignment({ t: [0] }) },
    { memberId: b, assignment: assignment({ t: [1] }) },
  ]
  await r.sync({ memberId: a, generationId: 2, assignments })
  await synced
  return [a, b]
}

/** Waits until the group has noticed that a member joins or leaves. */
export const inRebalance = (r: Requests, id: string, generationId: number) =>
  r.session.until(
    ({ errorCode }) => errorCode === 27,
    () => r.heartbeat({ memberId: id, generationId }),
  )

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)

const versions: Scenario[] = [
  ...range(0, 9).map<Scenario>((v) => [`join v${v}`, (r) => stable(r, {}, v)]),
  ...range(0, 5).map<Scenario>((v) => [
    `sync v${v} again`,
    async (r) => r.sync({ memberId: await stable(r) }, v),
  ]),
  ...range(0, 4).map<Scenario>((v) => [
    `heartbeat v${v}`,
    async (r) => {
      const id = await stable(r)
      await r.heartbeat({ memberId: id }, v)
      await r.heartbeat({ memberId: id, generationId: 9 }, v)
      await r.heartbeat({ memberId: 'other' }, v)
    },
  ]),
  ...range(0, 5).map<Scenario>((v) => [
    `leave v${v}`,
    async (r) => {
      const id = await stable(r)
      await r.leave([{ memberId: 'other' }], v)
      await r.leave([{ memberId: id }], v)
      await r.leave([{ memberId: id }], v)
    },
  ]),
]

const refusedJoins: Scenario[] = Object.entries<JsonObject>({
  'an empty group id': { groupId: '' },
  'an unknown member': { memberId: 'nobody' },
  'too short a session': { sessionTimeoutMs: 10 },
  'too long a session': { sessionTimeoutMs: 90_000_000 },
  'no protocols': { protocols: [] },
  'no protocol type': { protocolType: '' },
}).flatMap(([what, o]) =>
  [1, 6, 9].map<Scenario>((v) => [`join v${v} with ${what}`, (r) => r.join(o, v)]),
)

const refusedSyncs: Scenario[] = Object.entries<JsonObject>({
  'a stale generation': { generationId: 0 },
  'a coming generation': { generationId: 7 },
  'another protocol': { protocolName: 'sticky' },
  'another protocol type': { protocolType: 'connect' },
  'no protocol': { protocolName: null, protocolType: null },
  'an unknown instance': { groupInstanceId: 'i' },
  'an unknown member': { memberId: 'nobody' },
  'an empty group id': { groupId: '' },
  'an unknown group': { groupId: 'no-such-group' },
}).map(([what, o]) => [
  `sync with ${what}`,
  async (r) => r.sync({ memberId: await stable(r), ...o }),
])

const lives: Scenario[] = [
  ['two members', (r) => pair(r)],
  [
    'sync before join',
    async (r) => {
      await r.sync({ memberId: 'nobody' })
      await r.heartbeat({ memberId: 'nobody' })
      await r.leave([{ memberId: 'nobody' }])
    },
  ],
  ['heartbeat with no group id', (r) => r.heartbeat({ groupId: '' })],
  ['leave with no group id', (r) => r.leave([{ memberId: 'x' }], 5, { groupId: '' })],
  ['leave of nobody', (r) => stable(r).then(() => r.leave([]))],
  [
    'a member with protocols of its own',
    async (r) => {
      await stable(r)
      await r.join({ protocols: [{ name: 'sticky', metadata: base64('x') }] }, 5, 'b')
      await r.join({ protocolType: 'connect' }, 5, 'b')
    },
  ],
  [
    'the same join twice while the group waits for the leader',
    async (r) => {
      const id = await memberId(r)
      await r.join({ memberId: id })
      await r.join({ memberId: id })
      await r.describe()
      await r.heartbeat({ memberId: id })
    },
  ],
  [
    'a follower that joins again disturbs nobody',
    async (r) => {
      const [, b] = await pair(r)
      await r.join({ memberId: b }, 9, 'b')
      await r.describe()
    },
  ],
  [
    'a follower that wants something else',
    async (r) => {
      const [a, b] = await pair(r)
      const protocols = [{ name: 'range', metadata: subscription(['t', 'u']) }]
      const joined = r.join({ memberId: b, protocols }, 9, 'b')
      await inRebalance(r, a, 2)
      await r.sync({ memberId: a, generationId: 2 })
      await r.commit({ memberId: a, generationIdOrMemberEpoch: 2 })
      await r.describe()
      await r.join({ memberId: a })
      await joined
      await r.commit({ memberId: a, generationIdOrMemberEpoch: 3 })
      await r.heartbeat({ memberId: a, generationId: 3 })
    },
  ],
  [
    'the leader leaves during a rebalance',
    async (r) => {
      const [a, b] = await pair(r)
      const joined = r.join({ memberId: b, rebalanceTimeoutMs: 60_000 }, 9, 'b')
      await joined
      await r.leave([{ memberId: a }])
      await inRebalance(r, b, 2)
      await r.join({ memberId: b }, 9, 'b')
      await r.describe()
    },
  ],
  [
    'a member leaves while its join is parked',
    async (r) => {
      const a = await stable(r)
      const b = await memberId(r, {}, 9, 'b')
      const joined = r.join({ memberId: b }, 9, 'b')
      await inRebalance(r, a, 1)
      await r.leave([{ memberId: b }])
      await joined
      await r.join({ memberId: a })
    },
  ],
  [
    'a member that asked for an id leaves before it joins',
    async (r) => {
      await stable(r)
      const b = await memberId(r, {}, 9, 'b')
      await r.leave([{ memberId: b }])
      await r.join({ memberId: b }, 9, 'b')
    },
  ],
  [
    'sessions run out',
    async (r) => {
      const a = await stable(r, { sessionTimeoutMs: 500 })
      await pause(1200)
      await r.heartbeat({ memberId: a })
      await r.describe()
      await r.join({ memberId: a })
    },
  ],
  [
    'who does not come back is put out',
    async (r) => {
      const timeouts = { rebalanceTimeoutMs: 700 }
      const a = await stable(r, timeouts)
      const b = await memberId(r, timeouts, 9, 'b')
      await r.join({ memberId: b, ...timeouts }, 9, 'b')
      await r.heartbeat({ memberId: a })
      await r.heartbeat({ memberId: b, generationId: 2 })
    },
  ],
  [
    'who does not synchronise is put out',
    async (r) => {
      const a = await memberId(r, { rebalanceTimeoutMs: 600 })
      await r.join({ memberId: a, rebalanceTimeoutMs: 600 })
      await pause(1500)
      await r.heartbeat({ memberId: a })
      await r.describe()
    },
  ],
  [
    'assignments of strangers are dropped, missing ones are empty',
    async (r) => {
      const id = await memberId(r)
      await r.join({ memberId: id })
      await r.sync({ memberId: id, assignments: [{ memberId: 'x', assignment: base64('y') }] })
      await r.describe()
    },
  ],
]

const instance = { groupInstanceId: 'i' }
const statics: Scenario[] = [
  ...[5, 7, 9].map<Scenario>((v) => [
    `a static member comes back v${v}`,
    async (r) => {
      const old = await stable(r, instance, v)
      const id = text(await r.join(instance, v), 'memberId')
      await r.heartbeat({ memberId: old, ...instance })
      await r.heartbeat({ memberId: id, ...instance })
      await r.sync({ memberId: id, ...instance })
      await r.commit({ memberId: old, generationIdOrMemberEpoch: 1, ...instance })
      await r.commit({ memberId: id, generationIdOrMemberEpoch: 1, ...instance })
      await r.sync({ memberId: old, ...instance })
      await r.join({ memberId: old, ...instance }, v)
      await r.describe()
    },
  ]),
  [
    'a static member comes back with another subscription',
    async (r) => {
      await stable(r, instance)
      const protocols = [{ name: 'range', metadata: subscription(['t', 'u']) }]
      await r.join({ ...instance, protocols })
      await r.describe()
    },
  ],
  [
    'a static member comes back with another protocol',
    async (r) => {
      const both = ['range', 'sticky'].map((name) => ({ name, metadata: subscription(['t']) }))
      await stable(r, { ...instance, protocols: both })
      await r.join({ ...instance, protocols: both.toReversed() })
      await r.describe()
    },
  ],
  [
    'static members leave by instance',
    async (r) => {
      const id = await stable(r, instance)
      await r.leave([{ memberId: '', groupInstanceId: 'j' }])
      await r.leave([{ memberId: 'other', ...instance }])
      await r.leave([{ memberId: '', groupInstanceId: null }])
      await r.leave([{ memberId: '', ...instance }, { memberId: id }])
      await r.describe()
    },
  ],
  [
    'a static member with an unknown id',
    async (r) => {
      await stable(r, instance)
      await r.join({ memberId: 'other', ...instance })
      await r.join({ memberId: 'other', groupInstanceId: 'j' })
      await r.heartbeat({ memberId: 'other', groupInstanceId: 'j' })
    },
  ],
  [
    'a parked join is fenced by its successor',
    async (r) => {
      await stable(r)
      const first = r.join(instance, 9, 'b')
      await pause(200)
      const second = r.join(instance, 9, 'c')
      await first
      await r.session.hangUp('c')
      await second.catch(() => {})
    },
  ],
]

export const classicScenarios = [
  ...versions,
  ...refusedJoins,
  ...refusedSyncs,
  ...lives,
  ...statics,
]
