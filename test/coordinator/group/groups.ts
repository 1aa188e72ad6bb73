import { systemClock } from '../../../src/base/clock.ts'
import { ExpressionThread } from '../../../src/base/expressions.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { type GroupConfig, groupConfigDefaults } from '../../../src/coordinator/group/config.ts'
import { GroupCoordinator } from '../../../src/coordinator/group/coordinator.ts'
import type {
  ShareStateKeeper,
  ShareStateResult,
} from '../../../src/coordinator/group/share-state-keeper.ts'
import type { TopicSummary, TopicView } from '../../../src/coordinator/topic-view.ts'
import { ApiError, errorName } from '../../../src/protocol/errors.ts'
import type { JoinGroupRequest } from '../../../src/protocol/messages/11-join-group.ts'
import { seededRandom } from '../../storage/logs.ts'
import { MemoryLog } from './memory-log.ts'
import { SteppedClock, settle } from './stepped-clock.ts'

/** Topics that a test creates and deletes. */
export class Topics implements TopicView {
  version = 0
  private readonly topics = new Map<string, TopicSummary>()

  add(name: string, partitionCount: number, id = idOf(name)): void {
    const partitionRacks = Array.from({ length: partitionCount }, () => new Set<string>())
    this.topics.set(name, { name, id, partitionCount, partitionRacks })
  }

  remove(name: string): void {
    this.topics.delete(name)
  }

  byName = (name: string) => this.topics.get(name) ?? null
  byId = (id: string) => [...this.topics.values()].find((topic) => topic.id === id) ?? null
  all = () => this.topics.values()
}

/** Share coordinators that do as they are told, unless they are to refuse. */
class ShareState implements ShareStateKeeper {
  readonly asked: unknown[] = []
  refusal: ApiError | null = null

  async begin(...asked: Parameters<ShareStateKeeper['begin']>): Promise<ShareStateResult[]> {
    this.asked.push(asked)
    return asked[2].flatMap(({ topicId, partitions }) =>
      partitions.map(({ partition }) => ({ topicId, partition, answer: this.refusal })),
    )
  }

  async delete(...asked: Parameters<ShareStateKeeper['delete']>): Promise<ShareStateResult[]> {
    this.asked.push(asked)
    return asked[1].flatMap(({ topicId, partitions }) =>
      partitions.map((partition) => ({ topicId, partition, answer: this.refusal })),
    )
  }

  async summarise(): Promise<never[]> {
    return []
  }
}

export const idOf = (name: string) => name.padEnd(21, '-').slice(0, 21).concat('A')

/**
 * Creates a coordinator with one partition, its log in memory and a clock that the test advances.
 */
export async function groups(o: { config?: Partial<GroupConfig>; log?: MemoryLog } = {}) {
  const clock = new SteppedClock()
  const log = o.log ?? new MemoryLog()
  const topics = new Topics()
  const shareState = new ShareState()
  const coordinator = new GroupCoordinator({
    partitionCount: () => 1,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    topics,
    expressions: new ExpressionThread(systemClock),
    shareState,
    config: Object.assign({ ...groupConfigDefaults }, o.config),
  })
  coordinator.elected(0, 0, log)
  await settle()
  return { coordinator, clock, log, topics, shareState }
}

export const client = { clientId: 'c', clientHost: '/127.0.0.1', mayDescribe: () => true }

/** The answers to JoinGroup that clients of a version understand. */
export const joinOptions = (version: number) => ({
  demandsMemberId: version >= 4,
  maySkipAssignment: version >= 9,
})

export function joinRequest(o: Partial<JoinGroupRequest> = {}): JoinGroupRequest {
  return {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    groupInstanceId: null,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription(['t']) }],
    reason: null,
    ...o,
  }
}

/** Metadata of a consumer, version 0. */
export function subscription(topics: readonly string[]): Buffer {
  const names = topics.map((topic) => {
    const name = Buffer.alloc(2 + topic.length)
    name.writeInt16BE(topic.length, 0)
    name.write(topic, 2)
    return name
  })
  const head = Buffer.alloc(6)
  head.writeInt32BE(topics.length, 2)
  return Buffer.concat([head, ...names, Buffer.from('ffffffff', 'hex')])
}

/** Returns the error name of an answer or of a rejected promise. */
export async function errorOf(answer: Promise<{ errorCode: number }>): Promise<string> {
  try {
    return errorName((await answer).errorCode)
  } catch (error) {
    if (error instanceof ApiError) return error.reason
    throw error
  }
}

/** Returns whether a request is still unanswered. */
export async function isParked(answer: Promise<unknown>): Promise<boolean> {
  let isOpen = true
  answer.then(
    () => (isOpen = false),
    () => (isOpen = false),
  )
  await settle()
  return isOpen
}
