import { type ErrorName, Refusal } from '../../protocol/errors.ts'
import type { CreatePartitionsRequest } from '../../protocol/messages/37-create-partitions.ts'
import { removeTopicRecord } from '../../protocol/stored/metadata/09-remove-topic-record.ts'
import { type Image, type TopicState, topicById } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command, ControllerView } from './controller.ts'
import { checkAssignment, partitionRecords, partitionsPerRequestMax } from './create-topics.ts'
import { placeReplicas } from './placement.ts'

/** Which topic a request means: by name, or by id where the name is null. */
export interface TopicReference {
  readonly name: string | null
  readonly id: string
}

export function findTopic(image: Image, { name, id }: TopicReference): TopicState | undefined {
  return name === null ? topicById(image, id) : image.topics.get(name)
}

/** Removes topics that exist; the caller has answered for those that do not. */
export function deleteTopics(ids: readonly string[]): Command<void> {
  return ({ image }) => ({
    records: ids
      .filter((id) => topicById(image, id) !== undefined)
      .map((topicId) => metadataRecord(removeTopicRecord, { topicId })),
    answer: undefined,
  })
}

type Growth = CreatePartitionsRequest['topics'][number]

export interface GrownTopic {
  readonly name: string
  readonly error: ErrorName
  readonly errorMessage: string | null
}

/** Adds partitions to topics, each on its own terms. */
export function createPartitions(
  topics: readonly Growth[],
  o: { readonly validateOnly: boolean },
): Command<GrownTopic[]> {
  return (view) => {
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
    const grown = topics.map((topic): GrownTopic => {
      try {
        records.push(...growTopic(view, topic))
        return { name: topic.name, error: 'NONE', errorMessage: null }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return { name: topic.name, error: error.reason, errorMessage: error.detail }
      }
    })
    return { records: o.validateOnly ? [] : records, answer: grown }
  }
}

function growTopic(view: ControllerView, growth: Growth): MetadataRecord[] {
  const topic = view.image.topics.get(growth.name)
  if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', null)
  const { count } = growth
  const before = topic.partitions.length
  if (count === before) {
    throw new Refusal('INVALID_PARTITIONS', `Topic already has ${count} partition(s).`)
  }
  if (count < before) {
    throw new Refusal(
      'INVALID_PARTITIONS',
      `The topic ${topic.name} currently has ${before} partition(s); ${count} would not be an increase.`,
    )
  }
  const added = count - before
  const factor = topic.partitions[0]!.replicas.length
  if (growth.assignments === null) {
    const replicas = placeReplicas(view.image, added, factor, view.random)
    return partitionRecords(view.image, topic.id, replicas, before)
  }
  if (growth.assignments.length !== added) {
    throw new Refusal(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${added} additional partition(s), but only ${growth.assignments.length} ` +
        'assignment(s) were specified.',
    )
  }
  const replicas = growth.assignments.map(({ brokerIds }) => {
    checkAssignment(view.image, brokerIds, factor)
    return brokerIds
  })
  return partitionRecords(view.image, topic.id, replicas, before)
}
