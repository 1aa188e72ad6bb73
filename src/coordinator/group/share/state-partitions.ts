import type { TopicView } from '../../topic-view.ts'
import type { Partitions } from '../consumer/consumer-member.ts'
import type { ShareStatePartitionsRecord } from '../records.ts'

/** Partitions of a topic whose share state is begun, or is about to be. Kafka: `InitMapValue`. */
interface StateTopic {
  readonly name: string
  readonly partitions: ReadonlySet<number>
}

type StateTopics = ReadonlyMap<string, StateTopic>

/**
 * The topics of a share group by the progress of their share state, which the share coordinators
 * keep. Kafka: `ShareGroupStatePartitionMetadataInfo`.
 */
export interface StatePartitions {
  readonly initializing: StateTopics
  readonly initialized: StateTopics
  readonly deleting: ReadonlySet<string>
  /**
   * When `initializing` was last written (ms on the wall clock), or read from the log: attempts of
   * that time may still come to an end.
   */
  readonly sinceMs: number
}

export const nothingKept: StatePartitions = {
  initializing: new Map(),
  initialized: new Map(),
  deleting: new Set(),
  sinceMs: 0,
}

/** The name in the record of a topic that is gone. */
const unknownName = '<UNKNOWN>'

export function stateRecord(
  groupId: string,
  { initializing, initialized, deleting }: Omit<StatePartitions, 'sinceMs'>,
  nameOf: (topicId: string) => string,
): ShareStatePartitionsRecord {
  return {
    type: 'ShareGroupStatePartitionMetadata',
    key: { groupId },
    value: {
      initializingTopics: infosOf(initializing),
      initializedTopics: infosOf(initialized),
      deletingTopics: [...deleting].map((topicId) => ({ topicId, topicName: nameOf(topicId) })),
    },
  }
}

export function statePartitionsOf(
  value: NonNullable<ShareStatePartitionsRecord['value']>,
  sinceMs: number,
): StatePartitions {
  const topics = (infos: typeof value.initializingTopics): StateTopics =>
    new Map(
      infos.map(({ topicId, topicName: name, partitions }) => [
        topicId,
        { name, partitions: new Set(partitions) },
      ]),
    )
  return {
    initializing: topics(value.initializingTopics),
    initialized: topics(value.initializedTopics),
    deleting: new Set(value.deletingTopics.map(({ topicId }) => topicId)),
    sinceMs,
  }
}

/** Returns a topic's name for records. */
export const topicNameIn = (topics: TopicView) => (topicId: string) =>
  topics.byId(topicId)?.name ?? unknownName

/** Returns the partitions of both; names are those of `b` where it has the topic. */
export function unitedTopics(a: StateTopics, b: StateTopics): StateTopics {
  const all = new Map(a)
  for (const [topicId, { name, partitions }] of b) {
    const known = a.get(topicId)?.partitions ?? []
    all.set(topicId, { name, partitions: new Set([...known, ...partitions]) })
  }
  return all
}

/** Returns the topics without these partitions; topics that lose all are left out. */
export function topicsWithout(topics: StateTopics, gone: Partitions): StateTopics {
  const left = new Map<string, StateTopic>()
  for (const [topicId, { name, partitions }] of topics) {
    const rest = new Set([...partitions].filter((one) => gone.get(topicId)?.has(one) !== true))
    if (rest.size > 0) left.set(topicId, { name, partitions: rest })
  }
  return left
}

export function toStateTopics(all: Partitions, nameOf: (topicId: string) => string): StateTopics {
  return new Map(
    [...all].map(([topicId, partitions]) => [topicId, { name: nameOf(topicId), partitions }]),
  )
}

function infosOf(topics: StateTopics) {
  return [...topics].map(([topicId, { name, partitions }]) => ({
    topicId,
    topicName: name,
    partitions: [...partitions].sort((a, b) => a - b),
  }))
}
