import { ConsumerGroup } from '../../../../src/coordinator/group/consumer/consumer-group.ts'
import { ApiError } from '../../../../src/protocol/errors.ts'
import type { ConsumerGroupHeartbeatResponse } from '../../../../src/protocol/messages/68-consumer-group-heartbeat.ts'
import { client, idOf } from '../groups.ts'
import type { World } from './explorer.ts'
import { ShardWorld } from './shard-world.ts'

/** A member of the consumer protocol (KIP-848). */
interface Member {
  readonly name: string
  readonly instanceId: string | null
  /** A new process has a new id. */
  life: number
  epoch: number
  isIn: boolean
  owned: readonly number[]
}

/**
 * Consumers of one group that send heartbeats, lose answers, leave, crash and return; topics grow.
 */
export class ConsumerWorld implements World {
  readonly world = new ShardWorld({
    groupConsumerAssignmentIntervalMs: 0,
    groupConsumerSessionTimeoutMs: 45_000,
  })
  readonly members: readonly Member[]
  private partitionCount = 2

  constructor(instanceIds: readonly (string | null)[]) {
    this.members = instanceIds.map((instanceId, i) => ({
      name: `m${i}`,
      instanceId,
      life: 0,
      epoch: 0,
      isIn: false,
      owned: [],
    }))
  }

  private get group(): ConsumerGroup | undefined {
    const group = this.world.shard.groups.get('g')
    return group instanceof ConsumerGroup ? group : undefined
  }

  actions(): string[] {
    const actions = this.members.flatMap(({ name, isIn, instanceId }) => {
      if (!isIn) return [`${name} beats`]
      const all = [`${name} beats`, `${name} beats unheard`, `${name} leaves`, `${name} dies`]
      return instanceId === null ? all : [...all, `${name} goes`]
    })
    if (this.world.nextTimer() !== null) actions.push('a timer rings')
    if (this.partitionCount === 2) actions.push('the topic grows')
    return [...actions, 'the broker crashes']
  }

  perform(action: string): void {
    if (action === 'a timer rings') return this.world.ring()
    if (action === 'the broker crashes') return this.world.crash()
    if (action === 'the topic grows') return this.grow()
    const [name, what, how] = action.split(' ')
    const member = this.members.find((each) => each.name === name)!
    if (what === 'beats') this.beat(member, how !== 'unheard')
    else if (what === 'dies') this.die(member)
    else this.leave(member, what === 'goes' ? -2 : -1)
  }

  private grow(): void {
    this.partitionCount = 3
    this.world.topics.add('t', 3)
    this.world.submit({ kind: 'topicsChanged', names: new Set(['t']), hasNew: false })
  }

  private idOf({ name, life }: Member): string {
    return `${name}-${life}`
  }

  private beat(member: Member, isHeard: boolean): void {
    const isJoining = member.epoch === 0
    const request = {
      groupId: 'g',
      memberId: this.idOf(member),
      memberEpoch: member.epoch,
      instanceId: member.instanceId,
      rackId: null,
      rebalanceTimeoutMs: isJoining ? 60_000 : -1,
      subscribedTopicNames: isJoining ? ['t'] : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: isJoining ? [] : [{ topicId: idOf('t'), partitions: member.owned }],
    }
    const newMemberId = 'unused'
    this.world.send<ConsumerGroupHeartbeatResponse>(
      (to) => ({ kind: 'consumerHeartbeat', to, client, request, newMemberId }),
      (answer) => {
        if (isHeard) this.hear(member, answer)
      },
    )
  }

  private hear(member: Member, answer: ConsumerGroupHeartbeatResponse | ApiError): void {
    if (answer instanceof ApiError) {
      // Fenced or removed: it gives up everything and joins again.
      Object.assign(member, { epoch: 0, isIn: false, owned: [] })
      return
    }
    member.isIn = true
    member.epoch = answer.memberEpoch
    if (answer.assignment == null) return
    member.owned = answer.assignment.topicPartitions.flatMap(({ partitions }) => partitions)
  }

  private die(member: Member): void {
    Object.assign(member, { life: member.life + 1, epoch: 0, isIn: false, owned: [] })
  }

  private leave(member: Member, memberEpoch: number): void {
    const request = {
      groupId: 'g',
      memberId: this.idOf(member),
      memberEpoch,
      instanceId: member.instanceId,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
    }
    this.die(member)
    this.world.send(
      (to) => ({ kind: 'consumerHeartbeat', to, client, request, newMemberId: '' }),
      () => {},
    )
  }

  check(): void {
    this.world.checkReplay()
    if (this.world.waitingCount > 0) throw new Error('a heartbeat was not answered')
    const { group } = this
    if (group === undefined) return
    const owners = new Map<number, string>()
    for (const member of this.members) {
      const known = group.members.get(this.idOf(member))
      if (known === undefined || known.memberEpoch < 0) continue
      for (const partition of member.owned) {
        const other = owners.get(partition)
        if (other !== undefined) throw new Error(`${other} and ${member.name} own ${partition}`)
        owners.set(partition, member.name)
      }
    }
    const targets = [...group.targets.values()].flatMap((topics) => [
      ...(topics.get(idOf('t')) ?? []),
    ])
    if (new Set(targets).size !== targets.length) throw new Error('two targets overlap')
    if (group.assignmentEpoch > group.groupEpoch) throw new Error('the target is of a coming epoch')
    for (const { memberEpoch } of group.members.values()) {
      if (memberEpoch > group.assignmentEpoch) throw new Error('a member is ahead of its target')
    }
  }

  settle(): void {
    for (let round = 0; round < 40; round++) {
      const before = this.fingerprint()
      for (const member of this.members) this.beat(member, true)
      this.check()
      if (this.isSettled()) return
      // Members of crashed processes keep their partitions until their sessions expire.
      if (this.fingerprint() === before) this.world.ring()
    }
    throw new Error(`the group does not settle: ${this.fingerprint()}`)
  }

  private isSettled(): boolean {
    const { group } = this
    if (group?.stateName() !== 'Stable' || group.members.size !== this.members.length) return false
    const owned = this.members.flatMap((member) => member.owned)
    const all = Array.from({ length: this.partitionCount }, (_, i) => i)
    return owned.toSorted().join() === all.join()
  }

  fingerprint(): string {
    const { group } = this
    const epoch = group?.groupEpoch ?? 0
    // Identifies a process by whether the group knows it, not by the number of its crashes.
    const ids = [...(group?.members.keys() ?? [])]
    const nameOf = (id: string) => {
      const mine = this.members.find((member) => this.idOf(member) === id)
      return mine?.name ?? `old${ids.indexOf(id)}`
    }
    const relative = (value: number) => (value > 0 ? value - epoch : `=${value}`)
    const clients = this.members.map(({ epoch: own, isIn, owned }) => [relative(own), isIn, owned])
    const assigned = (map: ReadonlyMap<string, ReadonlyMap<number, number>>) =>
      [...map.values()].flatMap((epochs) => [...epochs].map(([p, e]) => [p, relative(e)]))
    const inside = [...(group?.members.values() ?? [])].map((member) => [
      nameOf(member.memberId),
      relative(member.memberEpoch),
      relative(member.previousMemberEpoch),
      member.state,
      assigned(member.assigned),
      assigned(member.pendingRevocation),
      [...(group!.targets.get(member.memberId)?.values() ?? [])].map((partitions) => [
        ...partitions,
      ]),
    ])
    const timers = this.world.timerOrder().map((key) => {
      const [kind, , id = ''] = key.split('/')
      return `${kind}/${nameOf(id)}`
    })
    const state = group && [group.assignmentEpoch - epoch, group.needsRefresh(this.world.nowMs)]
    return JSON.stringify([clients, inside, state, timers, this.partitionCount])
  }
}
