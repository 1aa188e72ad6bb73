import type { Session } from './session.ts'
import type { Json, JsonObject } from './wire.ts'

/** Bytes in the form of Kafka's JSON messages. */
export const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A consumer's subscription, version 1, as the Java client embeds it. */
export function subscription(
  topics: readonly string[],
  owned: Record<string, number[]> = {},
): string {
  const parts: Buffer[] = [int16(1), array(topics.map(string)), int32(-1)]
  parts.push(
    array(
      Object.entries(owned).map(([topic, partitions]) =>
        Buffer.concat([string(topic), array(partitions.map(int32))]),
      ),
    ),
  )
  return Buffer.concat(parts).toString('base64')
}

/** A consumer's assignment, version 1. */
export function assignment(topics: Record<string, number[]>): string {
  const all = Object.entries(topics).map(([topic, partitions]) =>
    Buffer.concat([string(topic), array(partitions.map(int32))]),
  )
  return Buffer.concat([int16(1), array(all), int32(-1)]).toString('base64')
}

const int16 = (value: number) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const string = (value: string) =>
  Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])
const array = (items: readonly Buffer[]) => Buffer.concat([int32(items.length), ...items])

/** The topic id for versions that have only names. */
const noTopicId = 'AAAAAAAAAAAAAAAAAAAAAA'

interface Options extends JsonObject {}

/** Requests with usual values; `o` replaces some. */
export class Requests {
  readonly session: Session
  /** The group of the scenario, unless a request names another. */
  readonly group: string

  constructor(session: Session) {
    this.session = session
    this.group = `g-${session.name.replaceAll(/[^\w]+/g, '-')}`
  }

  join(o: Options = {}, version = 9, on?: string) {
    const body = {
      groupId: this.group,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(['t']) }],
      reason: null,
      ...o,
    }
    return this.#send('JoinGroup', version, body, on)
  }

  sync(o: Options = {}, version = 5, on?: string) {
    const body = {
      groupId: this.group,
      generationId: 1,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [],
      ...o,
    }
    return this.#send('SyncGroup', version, body, on)
  }

  heartbeat(o: Options = {}, version = 4, on?: string) {
    const body = { groupId: this.group, generationId: 1, memberId: '', groupInstanceId: null, ...o }
    return this.#send('Heartbeat', version, body, on)
  }

  leave(members: readonly Options[], version = 5, o: Options = {}, on?: string) {
    const all = members.map((member) => ({ groupInstanceId: null, reason: null, ...member }))
    const named =
      version < 3 ? { memberId: members[0]?.memberId ?? '', members: [] } : { members: all }
    const body = { groupId: this.group, memberId: '', ...named, ...o }
    return this.#send('LeaveGroup', version, body, on)
  }

  commit(o: Options = {}, version = 9, partitions: readonly Options[] = [{}]) {
    const { topic = 't', ...rest } = o
    const topicId = version >= 10 ? this.session.topicId(String(topic)) : noTopicId
    const body = {
      groupId: this.group,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      retentionTimeMs: -1,
      topics: [
        {
          name: topic,
          topicId,
          partitions: partitions.map((partition) => ({
            partitionIndex: 0,
            committedOffset: 5,
            committedLeaderEpoch: 0,
            committedMetadata: 'm',
            ...partition,
          })),
        },
      ],
      ...rest,
    }
    return this.#send('OffsetCommit', version, body)
  }

  fetch(o: Options = {}, version = 9, topics: Json = [{ name: 't', partitionIndexes: [0, 1] }]) {
    const named = (topics as { name: string }[] | null)?.map((topic) => ({
      topicId: version >= 10 ? this.session.topicId(topic.name) : noTopicId,
      ...topic,
    })) as Json
    const group = {
      groupId: this.group,
      memberId: null,
      memberEpoch: -1,
      topics: named ?? null,
      ...o,
    }
    const body =
      version < 8 ? { ...group, groups: [] } : { groupId: '', topics: [], groups: [group] }
    return this.#send('OffsetFetch', version, { ...body, requireStable: false })
  }

  describe(groups: readonly string[] = [this.group], version = 6, o: Options = {}) {
    const asked = version >= 3 ? o : {}
    const body = { groups: [...groups], includeAuthorizedOperations: false, ...asked }
    return this.#send('DescribeGroups', version, body)
  }

  /** Keeps only the groups of this scenario. */
  async list(version = 5, o: Options = {}): Promise<JsonObject> {
    const body = { statesFilter: [], typesFilter: [], ...o }
    const answer = await this.session.send('ListGroups', version, body, { quiet: true })
    const all = answer.groups as { groupId: string }[]
    const groups = all.filter(({ groupId }) => groupId === this.group)
    const mine = { ...answer, groups }
    this.session.note(`ListGroups v${version}`, mine)
    return mine
  }

  delete(groups: readonly string[] = [this.group], version = 3) {
    return this.#send('DeleteGroups', version, { groupsNames: [...groups] })
  }

  deleteOffsets(partitions: readonly number[], o: Options = {}) {
    const { topic = 't', ...rest } = o
    const body = {
      groupId: this.group,
      topics: [
        { name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) },
      ],
      ...rest,
    }
    return this.#send('OffsetDelete', 0, body)
  }

  beat(o: Options = {}, version = 1, on?: string) {
    const body = {
      groupId: this.group,
      memberId: 'm-1',
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
      ...o,
    }
    return this.#send('ConsumerGroupHeartbeat', version, body, on)
  }

  /** The first heartbeat of a member. */
  enter(o: Options = {}, version = 1, on?: string) {
    const first = { rebalanceTimeoutMs: 30_000, subscribedTopicNames: ['t'], topicPartitions: [] }
    return this.beat({ ...first, ...o }, version, on)
  }

  describeConsumer(groups: readonly string[] = [this.group], version = 1) {
    const body = { groupIds: [...groups], includeAuthorizedOperations: false }
    return this.#send('ConsumerGroupDescribe', version, body)
  }

  #send(api: string, version: number, body: JsonObject, on?: string) {
    return this.session.send(api, version, body, on === undefined ? {} : { on })
  }
}
