import { findCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts'
import { joinGroup } from '../../../src/protocol/messages/11-join-group.ts'
import { heartbeat } from '../../../src/protocol/messages/12-heartbeat.ts'
import { leaveGroup } from '../../../src/protocol/messages/13-leave-group.ts'
import { syncGroup } from '../../../src/protocol/messages/14-sync-group.ts'
import { describeGroups } from '../../../src/protocol/messages/15-describe-groups.ts'
import { listGroups } from '../../../src/protocol/messages/16-list-groups.ts'
import { deleteGroups } from '../../../src/protocol/messages/42-delete-groups.ts'
import { until } from '../kafkajs/client.ts'
import type { Line, Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'

const metadata = Buffer.from('0001000000010003746f7000000000', 'hex')
const assignment = Buffer.from('00010000000100037464300000000100000000', 'hex')

const memberIdRequired = 79
const rebalanceInProgress = 27

export const asJoin = (groupId: string, memberId: string, more: object = {}) => ({
  groupId,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata }],
  ...more,
})

const asSync = (groupId: string, generationId: number, memberId: string, ...to: string[]) => ({
  groupId,
  generationId,
  memberId,
  protocolType: 'consumer',
  protocolName: 'range',
  assignments: to.map((memberId) => ({ memberId, assignment })),
})

/** Joins, with the second request of newer versions, and becomes stable alone. */
export async function stableAlone(peer: Peer, groupId: string, more: object = {}): Promise<string> {
  await peer.coordinated(groupId)
  const first = await peer.quietly(joinGroup, 9, asJoin(groupId, '', more))
  const { memberId } = first
  const joined =
    first.errorCode === memberIdRequired
      ? await peer.quietly(joinGroup, 9, asJoin(groupId, memberId, more))
      : first
  const sync = { ...asSync(groupId, joined.generationId, memberId, memberId), ...more }
  await peer.quietly(syncGroup, 5, sync)
  peer.names.plain({ memberId })
  return memberId
}

/** A member's four requests in the versions that belong to one version of JoinGroup. */
class Members {
  readonly #peer: Peer
  readonly #groupId: string
  readonly #version: number

  constructor(peer: Peer, groupId: string, version: number) {
    this.#peer = peer
    this.#groupId = groupId
    this.#version = version
  }

  ask(memberId: string, more: object = {}) {
    return this.#peer.ask(joinGroup, this.#version, asJoin(this.#groupId, memberId, more))
  }

  /** Joins on its own connection; the answer comes when the others have joined again. */
  joinOn(line: Line, memberId: string, more: object = {}): Promise<any> {
    return line.ask(joinGroup, this.#version, asJoin(this.#groupId, memberId, more))
  }

  sync(generationId: number, memberId: string, ...to: string[]) {
    const version = Math.min(this.#version, 5)
    return this.#peer.ask(syncGroup, version, asSync(this.#groupId, generationId, memberId, ...to))
  }

  beat(generationId: number, memberId: string, more: object = {}) {
    const asked = { groupId: this.#groupId, generationId, memberId, ...more }
    return this.#peer.ask(heartbeat, Math.min(this.#version, 4), asked)
  }

  /** Waits until a member is told to join again. */
  async rebalancing(generationId: number, memberId: string): Promise<void> {
    await until('a rebalance', async () => {
      const asked = { groupId: this.#groupId, generationId, memberId }
      const { errorCode } = await this.#peer.quietly(heartbeat, 4, asked)
      return errorCode === rebalanceInProgress
    })
  }

  leave(memberId: string, more: object = {}) {
    return this.#peer.ask(leaveGroup, Math.min(this.#version, 5), {
      groupId: this.#groupId,
      memberId,
      members: [{ memberId, ...more }],
    })
  }
}

async function twoMembers(peer: Peer, version: number): Promise<void> {
  const groupId = `pair.${version}`
  await peer.coordinated(groupId)
  const group = new Members(peer, groupId, version)
  const enter = async () => {
    const first = await group.ask('')
    return first.errorCode === memberIdRequired ? group.ask(first.memberId) : first
  }
  const a = (await enter()).memberId
  await group.sync(1, a, a)
  await group.beat(1, a)
  await group.beat(9, a)
  await group.beat(1, 'nobody')
  await group.sync(9, a)
  await group.sync(1, a)
  await group.ask(a) // the leader may ask for a rebalance
  await group.sync(2, a, a)

  const line = peer.open()
  const second = await (async () => {
    if (version < 4) return { joining: group.joinOn(line, '') }
    const { memberId } = await group.joinOn(line, '')
    return { joining: group.joinOn(line, memberId) }
  })()
  await group.rebalancing(2, a)
  await group.beat(2, a)
  await group.sync(2, a, a)
  const { generationId } = await group.ask(a)
  const b = await second.joining
  peer.note('b joined', b)
  await group.sync(generationId, a, a, b.memberId)
  await group.sync(generationId, b.memberId)
  await group.beat(generationId, b.memberId)
  await group.leave(b.memberId)
  await group.rebalancing(generationId, a)
  await group.ask(a)
  await group.sync(generationId + 1, a, a)
  await group.leave('nobody')
  await group.leave(a)
  await group.beat(generationId + 1, a)
  line.close()
}

async function refusals(peer: Peer, version: number): Promise<void> {
  const groupId = `refused.${version}`
  await peer.coordinated(groupId)
  const group = new Members(peer, groupId, version)
  await group.ask('', { groupId: '' })
  await group.ask('', { sessionTimeoutMs: 1 })
  await group.ask('', { sessionTimeoutMs: 10_000_000 })
  await group.ask('nobody')
  await group.ask('', { protocols: [] })
  await group.ask('', { protocolType: '' })
  await stableAlone(peer, groupId)
  await group.ask('', { protocolType: 'connect' })
  await group.ask('', { protocols: [{ name: 'sticky', metadata }] })
  await group.ask('nobody')
}

async function staticMembers(peer: Peer, version: number): Promise<void> {
  if (version < 5) return
  const groupId = `static.${version}`
  await peer.coordinated(groupId)
  const group = new Members(peer, groupId, version)
  const groupInstanceId = 'instance-1'
  const { memberId: first } = await group.ask('', { groupInstanceId })
  const sync = (generationId: number, memberId: string) =>
    peer.ask(syncGroup, Math.min(version, 5), {
      ...asSync(groupId, generationId, memberId, memberId),
      groupInstanceId,
    })
  await sync(1, first)
  await group.beat(1, first, { groupInstanceId })
  const { memberId: second } = await group.ask('', { groupInstanceId })
  await group.beat(1, first, { groupInstanceId })
  await group.ask(first, { groupInstanceId })
  await group.ask('nobody', { groupInstanceId: 'instance-2' })
  await sync(1, second)
  await group.beat(1, second, { groupInstanceId })
  await group.leave(first, { groupInstanceId })
  await group.leave('', { groupInstanceId: 'instance-9' })
  await group.leave('', { groupInstanceId })
}

export const groupScenarios: readonly Scenario[] = [
  {
    api: findCoordinator,
    run: async (peer, version) => {
      await peer.coordinated('any')
      const ask = (keyType: number, ...keys: string[]) =>
        peer.ask(findCoordinator, version, { key: keys[0] ?? '', keyType, coordinatorKeys: keys })
      await ask(0, 'some-group')
      if (version >= 1) await ask(9, 'of no kind')
      if (version >= 4) await ask(0, 'a', 'b', '')
      if (version >= 4) await ask(0)
      if (version < 4) await ask(0, '')
    },
  },
  { api: joinGroup, title: 'two members', run: twoMembers },
  { api: joinGroup, title: 'refusals', run: refusals },
  { api: joinGroup, title: 'static members', run: staticMembers },
  {
    api: syncGroup,
    run: async (peer, version) => {
      const groupId = `sync.${version}`
      const memberId = await stableAlone(peer, groupId)
      const ask = (more: object) =>
        peer.ask(syncGroup, version, { ...asSync(groupId, 1, memberId), ...more })
      await ask({})
      await ask({ groupId: '' })
      await ask({ groupId: 'absent' })
      await ask({ memberId: 'nobody' })
      await ask({ generationId: 2 })
      await ask({ protocolName: 'other' })
      await ask({ protocolType: 'other' })
      await ask({ protocolName: null, protocolType: null })
      await ask({ groupInstanceId: 'never seen' })
    },
  },
  {
    api: heartbeat,
    run: async (peer, version) => {
      const groupId = `beat.${version}`
      const memberId = await stableAlone(peer, groupId)
      const ask = (more: object) =>
        peer.ask(heartbeat, version, { groupId, generationId: 1, memberId, ...more })
      await ask({})
      await ask({ groupId: '' })
      await ask({ groupId: 'absent' })
      await ask({ memberId: '' })
      await ask({ generationId: 0 })
      await ask({ groupInstanceId: 'never seen' })
    },
  },
  {
    api: leaveGroup,
    run: async (peer, version) => {
      const groupId = `leave.${version}`
      const memberId = await stableAlone(peer, groupId)
      const ask = (groupId: string, ...ids: string[]) =>
        peer.ask(leaveGroup, version, {
          groupId,
          memberId: ids[0] ?? '',
          members: ids.map((memberId) => ({ memberId })),
        })
      await ask('', memberId)
      await ask('absent', memberId)
      await ask(groupId, 'nobody', memberId)
      await ask(groupId, memberId)
    },
  },
  {
    api: describeGroups,
    run: async (peer, version) => {
      const groupId = `described.${version}`
      const memberId = await stableAlone(peer, groupId, { groupInstanceId: 'fixed' })
      const ask = (groups: string[], includeAuthorizedOperations = false) =>
        peer.ask(describeGroups, version, { groups, includeAuthorizedOperations })
      await ask([groupId])
      await ask([groupId], true)
      await ask(['absent', ''])
      await ask([])
      await peer.quietly(leaveGroup, 5, { groupId, members: [{ memberId }] })
      await ask([groupId])
    },
  },
  {
    api: listGroups,
    run: async (peer, version) => {
      const prefix = `listed.${version}.`
      const memberId = await stableAlone(peer, `${prefix}empty`)
      await stableAlone(peer, `${prefix}stable`)
      await peer.quietly(leaveGroup, 5, { groupId: `${prefix}empty`, members: [{ memberId }] })
      const ask = async (statesFilter: string[], typesFilter: string[]) => {
        const asked = { statesFilter, typesFilter }
        const answer = await peer.quietly(listGroups, version, asked)
        const isOurs = (one: { groupId: string }) => one.groupId.startsWith(prefix)
        const groups = answer.groups?.filter(isOurs)
        peer.note(`ListGroups v${version} ${peer.show(asked)}`, { ...answer, groups })
      }
      await ask([], [])
      if (version >= 4) {
        for (const state of ['Stable', 'stable', 'Empty', 'Dead', 'None']) await ask([state], [])
      }
      if (version >= 5) {
        for (const type of ['classic', 'Consumer', 'share', 'none']) await ask([], [type])
        await ask(['Empty'], ['classic'])
      }
    },
  },
  {
    api: deleteGroups,
    run: async (peer, version) => {
      const groupId = `deleted.${version}`
      const memberId = await stableAlone(peer, groupId)
      const ask = (...groupsNames: string[]) => peer.ask(deleteGroups, version, { groupsNames })
      await ask(groupId, 'absent', '')
      await peer.quietly(leaveGroup, 5, { groupId, members: [{ memberId }] })
      await ask(groupId)
      await ask(groupId)
      await ask()
    },
  },
]
