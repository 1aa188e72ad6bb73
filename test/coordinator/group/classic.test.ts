import { describe, expect, test } from 'vitest'
import type { GroupConfig } from '../../../src/coordinator/group/config.ts'
import type { GroupCoordinator } from '../../../src/coordinator/group/coordinator.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import type { JoinGroupRequest } from '../../../src/protocol/messages/11-join-group.ts'
import {
  client,
  errorOf,
  groups,
  isParked,
  joinOptions,
  joinRequest,
  subscription,
} from './groups.ts'
import { settle } from './stepped-clock.ts'

const noDelay: Partial<GroupConfig> = { groupInitialRebalanceDelayMs: 0 }

const join = (on: GroupCoordinator, o: Partial<JoinGroupRequest> = {}, version = 3) =>
  on.join(client, joinOptions(version), joinRequest(o))

const heartbeat = (on: GroupCoordinator, memberId: string, generationId: number) =>
  errorOf(on.heartbeat({ groupId: 'g', memberId, generationId, groupInstanceId: null }))

const sync = (
  on: GroupCoordinator,
  memberId: string,
  generationId: number,
  assignments: Record<string, string> = {},
) =>
  on.sync({
    groupId: 'g',
    memberId,
    generationId,
    groupInstanceId: null,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: Object.entries(assignments).map(([to, text]) => ({
      memberId: to,
      assignment: Buffer.from(text),
    })),
  })

const leave = (on: GroupCoordinator, memberId: string, groupInstanceId: string | null = null) =>
  on.leave({ groupId: 'g', members: [{ memberId, groupInstanceId, reason: null }] })

const state = async (on: GroupCoordinator) => (await on.describe('g', false)).groupState

/** Creates a stable group of one member; returns its id. */
async function stableGroup(
  config: Partial<GroupConfig> = noDelay,
  o: Partial<JoinGroupRequest> = {},
) {
  const all = await groups({ config })
  const joined = join(all.coordinator, o)
  await all.clock.advance(0)
  const { memberId } = await joined
  await sync(all.coordinator, memberId, 1, { [memberId]: 'all' })
  return { ...all, memberId }
}

describe('joining a classic group', () => {
  test('the first generation waits for the initial delay, and longer while members come', async () => {
    const { coordinator, clock } = await groups()
    const first = join(coordinator)
    await clock.advance(2000)
    const second = join(coordinator)
    await clock.advance(1500)
    expect(await isParked(first)).toBe(true)
    await clock.advance(2500)
    const [leader, follower] = await Promise.all([first, second])
    expect(leader).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range' })
    expect(leader.members.map(({ memberId }) => memberId)).toEqual([
      leader.memberId,
      follower.memberId,
    ])
    expect(follower).toMatchObject({ leader: leader.memberId, members: [] })
  })

  test('from v4 on a dynamic member must come back with the id it is given', async () => {
    const { coordinator, clock } = await groups({ config: noDelay })
    const refused = await join(coordinator, {}, 4)
    expect(errorName(refused.errorCode)).toBe('MEMBER_ID_REQUIRED')
    expect(refused.memberId).toMatch(/^c-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/)
    const joined = join(coordinator, { memberId: refused.memberId }, 4)
    await clock.advance(0)
    expect(await joined).toMatchObject({ errorCode: 0, leader: refused.memberId })
  })

  test('an id that was given out is forgotten after the session time', async () => {
    const { coordinator, clock } = await groups({ config: noDelay })
    const { memberId } = await join(coordinator, {}, 4)
    await clock.advance(10_000)
    expect(await errorOf(join(coordinator, { memberId }, 4))).toBe('UNKNOWN_MEMBER_ID')
  })

  test.each([
    ['INVALID_GROUP_ID', { groupId: '' }],
    ['INVALID_SESSION_TIMEOUT', { sessionTimeoutMs: 5999 }],
    ['INVALID_SESSION_TIMEOUT', { sessionTimeoutMs: 1_800_001 }],
    ['UNKNOWN_MEMBER_ID', { memberId: 'never-seen' }],
    ['INCONSISTENT_GROUP_PROTOCOL', { protocols: [] }],
    ['INCONSISTENT_GROUP_PROTOCOL', { protocolType: '' }],
  ])('is refused with %s: %o', async (error, o) => {
    const { coordinator } = await groups({ config: noDelay })
    expect(await errorOf(join(coordinator, o))).toBe(error)
  })

  test('a member that shares no protocol with the others is refused', async () => {
    const { coordinator } = await stableGroup()
    const protocols = [{ name: 'sticky', metadata: subscription(['t']) }]
    expect(await errorOf(join(coordinator, { protocols }))).toBe('INCONSISTENT_GROUP_PROTOCOL')
  })

  test('members vote for the protocol', async () => {
    const { coordinator, clock } = await groups()
    const metadata = subscription(['t'])
    const prefer = (...names: string[]) => ({
      protocols: names.map((name) => ({ name, metadata })),
    })
    const joins = [
      join(coordinator, prefer('range', 'sticky')),
      join(coordinator, prefer('sticky', 'range')),
      join(coordinator, prefer('sticky', 'range')),
    ]
    await clock.advance(6000)
    for (const { protocolName } of await Promise.all(joins)) expect(protocolName).toBe('sticky')
  })

  test('a group takes no more than group.max.size members', async () => {
    const { coordinator } = await stableGroup({ ...noDelay, groupMaxSize: 1 })
    expect(await errorOf(join(coordinator))).toBe('GROUP_MAX_SIZE_REACHED')
  })

  test('a second join of the same member answers the one that is parked', async () => {
    const { coordinator, clock } = await groups({ config: noDelay })
    const { memberId } = await join(coordinator, {}, 4)
    const first = join(coordinator, { memberId }, 4)
    const second = join(coordinator, { memberId }, 4)
    expect(await errorOf(first)).toBe('REBALANCE_IN_PROGRESS')
    await clock.advance(0)
    expect(await errorOf(second)).toBe('NONE')
  })
})

describe('a classic rebalance', () => {
  test('starts when a member joins, and ends when all have come back and synchronised', async () => {
    const { coordinator, memberId } = await stableGroup()
    expect(await heartbeat(coordinator, memberId, 1)).toBe('NONE')
    const second = join(coordinator)
    expect(await heartbeat(coordinator, memberId, 1)).toBe('REBALANCE_IN_PROGRESS')
    expect(await errorOf(sync(coordinator, memberId, 1))).toBe('REBALANCE_IN_PROGRESS')
    const [leader, follower] = await Promise.all([join(coordinator, { memberId }), second])
    expect([leader.generationId, follower.generationId]).toEqual([2, 2])
    const waiting = sync(coordinator, follower.memberId, 2)
    expect(await isParked(waiting)).toBe(true)
    await sync(coordinator, memberId, 2, { [memberId]: 'a', [follower.memberId]: 'b' })
    expect((await waiting).assignment.toString()).toBe('b')
    expect(await state(coordinator)).toBe('Stable')
  })

  test('puts out who does not come back in time, and a new leader is chosen', async () => {
    const { coordinator, clock, memberId } = await stableGroup(noDelay, {
      rebalanceTimeoutMs: 7000,
    })
    const second = join(coordinator, { rebalanceTimeoutMs: 7000 })
    await clock.advance(6999)
    expect(await isParked(second)).toBe(true)
    await clock.advance(1)
    const joined = await second
    expect(joined).toMatchObject({ leader: joined.memberId, generationId: 2 })
    expect(joined.members).toHaveLength(1)
    expect(await heartbeat(coordinator, memberId, 2)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('begins anew without those that never synchronise', async () => {
    const { coordinator, clock, memberId } = await stableGroup()
    const second = join(coordinator)
    const [, late] = await Promise.all([join(coordinator, { memberId }), second])
    await sync(coordinator, memberId, 2, { [memberId]: 'all' })
    for (let i = 0; i < 10; i++) {
      await clock.advance(6000)
      for (const id of [memberId, late.memberId]) void heartbeat(coordinator, id, 2)
    }
    await settle()
    expect(await heartbeat(coordinator, memberId, 2)).toBe('REBALANCE_IN_PROGRESS')
    expect(await heartbeat(coordinator, late.memberId, 2)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('a member whose session runs out leaves the group', async () => {
    const { coordinator, clock, memberId } = await stableGroup()
    await clock.advance(9999)
    expect(await heartbeat(coordinator, memberId, 1)).toBe('NONE')
    await clock.advance(9999)
    expect(await state(coordinator)).toBe('Stable')
    await clock.advance(1)
    expect(await state(coordinator)).toBe('Empty')
    expect(await heartbeat(coordinator, memberId, 1)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('a parked member needs no heartbeat, however long the others take', async () => {
    const { coordinator, clock, memberId } = await stableGroup()
    const second = join(coordinator)
    const [, follower] = await Promise.all([join(coordinator, { memberId }), second])
    const waiting = sync(coordinator, follower.memberId, 2)
    await clock.advance(10_000)
    expect(await isParked(waiting)).toBe(false)
    expect(await errorOf(waiting)).toBe('REBALANCE_IN_PROGRESS')
    expect(await heartbeat(coordinator, memberId, 2)).toBe('UNKNOWN_MEMBER_ID')
  })

  test('the same join again is answered alike, without a new generation', async () => {
    const { coordinator, memberId } = await stableGroup()
    const second = join(coordinator)
    const [leader, follower] = await Promise.all([join(coordinator, { memberId }), second])
    expect(await join(coordinator, { memberId })).toEqual(leader)
    expect(await join(coordinator, { memberId: follower.memberId })).toEqual(follower)
    await sync(coordinator, memberId, 2, {})
    expect(await join(coordinator, { memberId: follower.memberId })).toEqual(follower)
    expect(await state(coordinator)).toBe('Stable')
  })

  test.each([
    ['ILLEGAL_GENERATION', { generationId: 2 }],
    ['UNKNOWN_MEMBER_ID', { memberId: 'other' }],
    ['INCONSISTENT_GROUP_PROTOCOL', { protocolType: 'connect' }],
    ['INCONSISTENT_GROUP_PROTOCOL', { protocolName: 'sticky' }],
    ['UNKNOWN_MEMBER_ID', { groupInstanceId: 'i' }],
    ['UNKNOWN_MEMBER_ID', { groupId: 'no such group' }],
    ['INVALID_GROUP_ID', { groupId: '' }],
  ])('SyncGroup is refused with %s: %o', async (error, o) => {
    const { coordinator, memberId } = await stableGroup()
    const request = {
      groupId: 'g',
      generationId: 1,
      memberId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: [],
      ...o,
    }
    expect(await errorOf(coordinator.sync(request))).toBe(error)
  })
})

describe('leaving a classic group', () => {
  test('the last member leaves an empty group, which is written down', async () => {
    const { coordinator, memberId, log } = await stableGroup()
    expect(await leave(coordinator, memberId)).toEqual({
      errorCode: 0,
      members: [{ memberId, groupInstanceId: null, errorCode: 0 }],
    })
    expect(await state(coordinator)).toBe('Empty')
    expect(log.batches).toHaveLength(3)
    expect((await leave(coordinator, memberId)).members![0]!.errorCode).toBe(25)
  })

  test('an unknown group knows no member', async () => {
    const { coordinator } = await groups()
    const { members } = await leave(coordinator, 'm')
    expect(members).toEqual([{ memberId: 'm', groupInstanceId: null, errorCode: 25 }])
  })
})

describe('static members', () => {
  const fixed = { groupInstanceId: 'i', rebalanceTimeoutMs: 7000 }

  test('come back under a new id without a rebalance; the old id is fenced', async () => {
    const { coordinator, memberId } = await stableGroup(noDelay, fixed)
    expect(memberId).toMatch(/^i-/)
    const again = await join(coordinator, fixed, 9)
    expect(again).toMatchObject({ generationId: 1, leader: again.memberId, skipAssignment: true })
    expect(again.members).toHaveLength(1)
    const old = { groupId: 'g', memberId, generationId: 1, groupInstanceId: 'i' }
    expect(await errorOf(coordinator.heartbeat(old))).toBe('FENCED_INSTANCE_ID')
    const { assignment } = await sync(coordinator, again.memberId, 1)
    expect(assignment.toString()).toBe('all')
  })

  test('before v9 a leader that is back is not told that it leads', async () => {
    const { coordinator, memberId } = await stableGroup(noDelay, fixed)
    expect(await join(coordinator, fixed, 5)).toMatchObject({ leader: memberId, members: [] })
  })

  test('keep their place through a rebalance that they miss', async () => {
    const { coordinator, clock } = await stableGroup(noDelay, fixed)
    const second = join(coordinator, { rebalanceTimeoutMs: 7000 })
    await clock.advance(7000)
    expect((await second).members).toHaveLength(2)
  })

  test('are removed by their instance id', async () => {
    const { coordinator } = await stableGroup(noDelay, fixed)
    expect((await leave(coordinator, '', 'other')).members![0]!.errorCode).toBe(25)
    expect((await leave(coordinator, 'other', 'i')).members![0]!.errorCode).toBe(82)
    expect((await leave(coordinator, '', 'i')).members![0]!.errorCode).toBe(0)
    expect(await state(coordinator)).toBe('Empty')
  })
})
