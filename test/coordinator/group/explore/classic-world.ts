import type { ClassicGroup } from '../../../../src/coordinator/group/classic/classic-group.ts'
import type { HeartbeatAnswer } from '../../../../src/coordinator/group/commands.ts'
import { ApiError, errorName } from '../../../../src/protocol/errors.ts'
import type { JoinGroupResponse } from '../../../../src/protocol/messages/11-join-group.ts'
import type { SyncGroupResponse } from '../../../../src/protocol/messages/14-sync-group.ts'
import { client, idOf, joinRequest } from '../groups.ts'
import type { World } from './explorer.ts'
import { ShardWorld } from './shard-world.ts'

const partitions = ['p0', 'p1']

/** A member of the classic protocol. */
interface Member {
  readonly name: string
  readonly instanceId: string | null
  memberId: string
  generation: number
  phase: 'out' | 'joining' | 'joined' | 'syncing' | 'stable'
  /** Only the leader gets the list of members. */
  members: readonly string[]
  owned: readonly string[]
  joins: number
}

/**
 * Two consumers of one group that join, synchronize, send heartbeats, leave and crash in any order.
 */
export class ClassicWorld implements World {
  readonly world = new ShardWorld({ groupInitialRebalanceDelayMs: 0 })
  readonly members: readonly Member[]
  private idsGiven = 0

  constructor(instanceIds: readonly (string | null)[]) {
    this.members = instanceIds.map((instanceId, i) => ({
      name: `m${i}`,
      instanceId,
      memberId: '',
      generation: -1,
      phase: 'out',
      members: [],
      owned: [],
      joins: 0,
    }))
  }

  private get group(): ClassicGroup | undefined {
    return this.world.shard.groups.get('g') as ClassicGroup | undefined
  }

  actions(): string[] {
    const actions = this.members.flatMap((member) => {
      const { name, phase } = member
      if (phase === 'joining' || phase === 'syncing') return [`${name} restarts`]
      const all = [`${name} joins`]
      if (phase === 'joined') all.push(`${name} syncs`)
      if (phase !== 'out') all.push(`${name} beats`, `${name} commits`, `${name} leaves`)
      if (phase === 'stable') all.push(`${name} restarts`)
      return all
    })
    if (this.world.nextTimer() !== null) actions.push('a timer rings')
    return [...actions, 'the broker crashes']
  }

  perform(action: string): void {
    if (action === 'a timer rings') this.world.ring()
    else if (action === 'the broker crashes') this.world.crash()
    else {
      const [name, what] = action.split(' ')
      const member = this.members.find((each) => each.name === name)!
      if (what === 'joins') this.join(member)
      else if (what === 'syncs') this.sync(member)
      else if (what === 'beats') this.beat(member)
      else if (what === 'commits') this.commit(member)
      else if (what === 'leaves') this.leave(member)
      else this.restart(member)
    }
  }

  /** The process crashes and is replaced; answers to the old one are dropped. */
  private restart(member: Member): void {
    member.joins++
    Object.assign(member, { memberId: '', generation: -1, phase: 'out', members: [], owned: [] })
  }

  /** Answers to a process that has ended are ignored. */
  private heard<T>(member: Member, hear: (answer: T | ApiError) => void) {
    const { joins } = member
    return (answer: T | ApiError) => {
      if (member.joins === joins) hear(answer)
    }
  }

  private join(member: Member): void {
    Object.assign(member, { phase: 'joining', owned: [] })
    const request = joinRequest({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
    })
    const uuid = `${member.name}-${this.idsGiven++}`
    this.world.send(
      (to) => ({
        kind: 'join',
        to,
        client,
        request,
        uuid,
        newMemberId: uuid,
        demandsMemberId: false,
        maySkipAssignment: false,
      }),
      this.heard<JoinGroupResponse>(member, (answer) => {
        const error = answer instanceof ApiError ? answer.reason : errorName(answer.errorCode)
        if (error !== 'NONE' || answer instanceof ApiError) return this.failed(member, error)
        member.phase = 'joined'
        member.memberId = answer.memberId
        member.generation = answer.generationId!
        member.members = answer.members.map(({ memberId }) => memberId)
      }),
    )
  }

  private sync(member: Member): void {
    member.phase = 'syncing'
    const { memberId, generation, members } = member
    // Partitions are assigned round-robin.
    const assignments = members.map((to, i) => ({
      memberId: to,
      assignment: Buffer.from(partitions.filter((_, p) => p % members.length === i).join()),
    }))
    this.world.send(
      (to) => ({
        kind: 'sync',
        to,
        request: {
          groupId: 'g',
          memberId,
          generationId: generation,
          groupInstanceId: member.instanceId,
          protocolType: null,
          protocolName: null,
          assignments,
        },
      }),
      this.heard<SyncGroupResponse>(member, (answer) => {
        const error = answer instanceof ApiError ? answer.reason : errorName(answer.errorCode)
        if (error !== 'NONE' || answer instanceof ApiError) return this.failed(member, error)
        member.phase = 'stable'
        const text = Buffer.from(answer.assignment).toString()
        member.owned = text === '' ? [] : text.split(',')
      }),
    )
  }

  private beat(member: Member): void {
    const { memberId, generation, instanceId } = member
    const request = {
      groupId: 'g',
      memberId,
      generationId: generation,
      groupInstanceId: instanceId,
    }
    this.world.send(
      (to) => ({ kind: 'heartbeat', to, request }),
      this.heard<HeartbeatAnswer>(member, (answer) => {
        const error = answer instanceof ApiError ? answer.reason : errorName(answer.errorCode)
        if (error !== 'NONE') this.failed(member, error)
      }),
    )
  }

  private commit(member: Member): void {
    const { memberId, generation } = member
    const partition = { partitionIndex: 0, committedLeaderEpoch: -1, committedMetadata: '' }
    const isValid =
      this.group?.members.has(memberId) === true && generation === this.group.generationId
    this.world.send(
      (to) => ({
        kind: 'commitOffsets',
        to,
        knowsConsumerGroups: true,
        request: {
          groupId: 'g',
          generationIdOrMemberEpoch: generation,
          memberId,
          groupInstanceId: member.instanceId,
          retentionTimeMs: -1,
          topics: [
            {
              name: 't',
              topicId: idOf('t'),
              partitions: [{ ...partition, committedOffset: generation }],
            },
          ],
        },
      }),
      this.heard(member, (answer) => {
        if (!(answer instanceof ApiError) && !isValid) throw new Error('a fenced member committed')
      }),
    )
  }

  private leave(member: Member): void {
    const { memberId, instanceId } = member
    const members = [{ memberId, groupInstanceId: instanceId, reason: null }]
    this.restart(member)
    this.world.send(
      (to) => ({ kind: 'leave', to, request: { groupId: 'g', members } }),
      () => {},
    )
  }

  /** Reacts to errors as clients do: asks for a new id if it is unknown, otherwise joins again. */
  private failed(member: Member, error: string): void {
    member.phase = 'out'
    member.owned = []
    if (error === 'UNKNOWN_MEMBER_ID' || error === 'FENCED_INSTANCE_ID') member.memberId = ''
  }

  check(): void {
    this.world.checkReplay()
    const { group } = this
    const owners = new Map<string, string>()
    for (const member of this.members) {
      const isIn = group?.members.has(member.memberId) && member.generation === group.generationId
      for (const partition of isIn && member.phase === 'stable' ? member.owned : []) {
        const other = owners.get(partition)
        if (other !== undefined) throw new Error(`${other} and ${member.name} own ${partition}`)
        owners.set(partition, member.name)
      }
    }
    if (group === undefined) {
      if (this.world.waitingCount > 0) throw new Error('requests wait for no group')
      return
    }
    let parked = 0
    for (const { awaitingJoin, awaitingSync } of group.members.values()) {
      if (awaitingJoin !== null) parked++
      if (awaitingSync !== null) parked++
    }
    if (parked !== this.world.waitingCount) {
      throw new Error(`${this.world.waitingCount} requests wait, ${parked} are parked`)
    }
    if (group.leaderId !== null && !group.members.has(group.leaderId)) {
      throw new Error('the leader is no member')
    }
  }

  settle(): void {
    for (let round = 0; round < 60; round++) {
      if (this.isSettled()) return
      let hasMoved = false
      for (const member of this.members) {
        const { phase } = member
        if (phase === 'out') this.join(member)
        else if (phase === 'joined') this.sync(member)
        else if (phase === 'stable') this.beat(member)
        else continue
        hasMoved ||= phase !== 'stable' || member.phase !== 'stable'
      }
      if (!hasMoved) this.world.ring()
      this.check()
    }
    throw new Error(`the group does not settle: ${this.fingerprint()}`)
  }

  private isSettled(): boolean {
    const { group } = this
    if (group?.state !== 'Stable') return false
    const owned = this.members.flatMap((member) => member.owned)
    return (
      this.members.every(
        ({ phase, memberId, generation }) =>
          phase === 'stable' && group.members.has(memberId) && generation === group.generationId,
      ) && owned.toSorted().join() === partitions.join()
    )
  }

  fingerprint(): string {
    const { group } = this
    const names = new Map<string, string>()
    const nameOf = (id: string | null) => {
      if (id === null || id === '') return ''
      if (!names.has(id)) names.set(id, `#${names.size}`)
      return names.get(id)!
    }
    const clients = this.members.map((member) => [
      member.name,
      nameOf(member.memberId),
      member.generation - (group?.generationId ?? 0),
      member.phase,
      member.members.map(nameOf),
      member.owned,
    ])
    const inside = [...(group?.members.values() ?? [])].map((member) => [
      nameOf(member.memberId),
      member.groupInstanceId,
      member.awaitingJoin !== null,
      member.awaitingSync !== null,
      member.isNew,
      member.assignment.toString(),
    ])
    const state = group && [
      group.state,
      group.previousState,
      nameOf(group.leaderId),
      group.newMemberAdded,
      [...group.pendingSync].map(nameOf),
      group.stored?.generation === group.generationId,
      group.stored?.members.map(({ memberId }) => nameOf(memberId)),
    ]
    const timers = this.world.timerOrder().map((key) => {
      const id = key.split('/').slice(2).join('/')
      return id === '' ? key : `${key.split('/')[0]}/${nameOf(id)}`
    })
    return JSON.stringify([clients, inside, state, timers])
  }
}
