import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import type { CreatePartitionsRequest } from '../../protocol/messages/37-create-partitions.ts'
import { removeTopicRecord } from '../../protocol/stored/metadata/09-remove-topic-record.ts'
import { type Image, type TopicState, topicById } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command, ControllerView, TakePermits } from './controller.ts'
import { checkAssignment, partitionRecords, partitionsPerRequestMax } from './create-topics.ts'
import { checkReplicated, placeReplicas } from './placement.ts'

/** A topic in a request: by name, or by id if the name is null. */
export interface TopicReference {
  readonly name: string | null
  readonly id: string
}

export function findTopic(image: Image, { name, id }: TopicReference): TopicState | undefined {
  return name === null ? topicById(image, id) : image.topics.get(name)
}

/**
 * Removes existing topics; the caller has answered for the others.
 * @returns the refusals by topic id.
 */
export function deleteTopics(
  ids: readonly string[],
  takePermits?: TakePermits,
): Command<ReadonlyMap<string, ApiError>> {
  return ({ image }) => {
    const records: MetadataRecord[] = []
    const refusals = new Map<string, ApiError>()
    for (const topicId of ids) {
      const topic = topicById(image, topicId)
      if (topic === undefined) continue
      try {
        takePermits?.(topic.partitions.length)
        records.push(metadataRecord(removeTopicRecord, { topicId }))
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        refusals.set(topicId, error)
      }
    }
    return { records, answer: refusals }
  }
}

/** Topics decided on between two yields. */
const topicsBetween = 8

type Growth = CreatePartitionsRequest['topics'][number]

export interface GrownTopic {
  readonly name: string
  readonly error: ErrorName
  readonly errorMessage: string | null
}

/** Adds partitions to topics; each topic succeeds or fails alone. */
export function createPartitions(
  topics: readonly Growth[],
  options: { readonly validateOnly: boolean; readonly takePermits?: TakePermits | undefined },
): Command<GrownTopic[]> {
  return function* (view) {
    const added = ({ name, count }: Growth) =>
      Math.max(count - (view.image.topics.get(name)?.partitions.length ?? count), 0)
    if (topics.reduce((sum, topic) => sum + added(topic), 0) > partitionsPerRequestMax) {
      const errorMessage = 'Excessively large number of additional partitions per request.'
      const refused = topics.map(({ name }) => ({
        ...{ name, error: 'POLICY_VIOLATION' as const, errorMessage },
      }))
      return { records: [], answer: refused }
    }
    const records: MetadataRecord[] = []
    const grow = (topic: Growth): GrownTopic => {
      try {
        records.push(...growTopic(view, topic, options.takePermits))
        return { name: topic.name, error: 'NONE', errorMessage: null }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { name: topic.name, error: error.reason, errorMessage: error.detail }
      }
    }
    const grown: GrownTopic[] = []
    for (const topic of topics) {
      grown.push(grow(topic))
      if (grown.length % topicsBetween === 0) yield
    }
    return { records: options.validateOnly ? [] : records, answer: grown }
  }
}

function growTopic(
  view: ControllerView,
  growth: Growth,
  takePermits: TakePermits | undefined,
): MetadataRecord[] {
  const topic = view.image.topics.get(growth.name)
  if (topic === undefined) throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', null)
  const { count } = growth
  const before = topic.partitions.length
  if (count === before) {
    throw new ApiError('INVALID_PARTITIONS', `Topic already has ${count} partition(s).`)
  }
  if (count < before) {
    throw new ApiError(
      'INVALID_PARTITIONS',
      `The topic ${topic.name} currently has ${before} partition(s); ${count} would not be an increase.`,
    )
  }
  const added = count - before
  const factor = topic.partitions[0]!.replicas.length
  if (growth.assignments !== null && growth.assignments.length !== added) {
    throw new ApiError(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${added} additional partition(s), but only ${growth.assignments.length} ` +
        'assignment(s) were specified.',
    )
  }
  takePermits?.(added)
  if (growth.assignments === null) {
    const replicas = placeReplicas(view.image, added, factor, view.random)
    checkReplicated(factor)
    return partitionRecords(view.image, topic.id, { replicas, isAssigned: false }, before)
  }
  const replicas = growth.assignments.map(({ brokerIds }) => {
    checkAssignment(view.image, brokerIds, factor)
    return brokerIds
  })
  return partitionRecords(view.image, topic.id, { replicas, isAssigned: true }, before)
}
