import { type ErrorName, Refusal } from '../../protocol/errors.ts'
import type { CreateTopicsRequest } from '../../protocol/messages/19-create-topics.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { topicRecord } from '../../protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../../protocol/stored/metadata/03-partition-record.ts'
import type { Overrides } from '../config/settings.ts'
import { directoryIds } from '../directories.ts'
import type { Image } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import { type Command, type ControllerView, type Decision, randomUuid } from './controller.ts'
import { checkReplicated, grantedFactor, placeReplicas } from './placement.ts'
import { topicConfigRecords, validateTopicConfigs } from './topic-configs.ts'
import { collisionKey, topicNameFault } from './topic-name.ts'

type CreatableTopic = CreateTopicsRequest['topics'][number]

export interface CreatedTopic {
  readonly name: string
  readonly error: ErrorName
  readonly errorMessage: string | null
  readonly topicId: string
  readonly partitionCount: number
  readonly replicationFactor: number
  /** The overrides as asked for. */
  readonly overrides: Overrides
}

const clusterMetadataTopic = '__cluster_metadata'

/** One batch holds a topic whole; Kafka's controller refuses more partitions in one request. */
export const partitionsPerRequestMax = 10_000
/** And more records: a topic counts as one, and so does each of its settings (`QuorumController`). */
const recordsPerRequestMax = 10_000

/** Creates topics, each on its own terms: one that is refused does not keep the others away. */
export function createTopics(
  topics: readonly CreatableTopic[],
  o: { readonly validateOnly: boolean },
): Command<CreatedTopic[]> {
  return (view) => {
    if (partitionsAsked(topics, view.settings.int('num.partitions')) > partitionsPerRequestMax) {
      return allRefused(topics, 'Excessively large number of partitions per request.')
    }
    const records: MetadataRecord[] = []
    const counts = new Map<string, number>()
    for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1)
    const taken = collisions(view.image, topics)
    const seen = new Set<string>()
    const created: CreatedTopic[] = []
    for (const topic of topics) {
      if (seen.has(topic.name)) continue
      seen.add(topic.name)
      try {
        if (counts.get(topic.name)! > 1) {
          throw new Refusal('INVALID_REQUEST', 'Duplicate topic name.')
        }
        const decision = createTopic(view, topic, taken)
        records.push(...decision.records)
        created.push(decision.answer)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        created.push(refused(topic.name, error))
      }
    }
    if (records.length > recordsPerRequestMax) {
      return allRefused(topics, 'Unable to perform excessively large batch operation.')
    }
    return { records: o.validateOnly ? [] : records, answer: created }
  }
}

function allRefused(topics: readonly CreatableTopic[], why: string): Decision<CreatedTopic[]> {
  const names = [...new Set(topics.map(({ name }) => name))]
  const refusal = new Refusal('POLICY_VIOLATION', why)
  return { records: [], answer: names.map((name) => refused(name, refusal)) }
}

/** What the request asks for in all, valid or not, as `ReplicationControlManager` counts. */
function partitionsAsked(topics: readonly CreatableTopic[], byDefault: number): number {
  let total = 0
  for (const { assignments, numPartitions } of topics) {
    if (assignments.length > 0) total += assignments.length
    else total += numPartitions === -1 ? byDefault : Math.max(numPartitions, 0)
  }
  return total
}

function refused(name: string, { reason, detail }: Refusal): CreatedTopic {
  return {
    name,
    error: reason,
    errorMessage: detail,
    topicId: zeroUuid,
    partitionCount: -1,
    replicationFactor: -1,
    overrides: new Map(),
  }
}

function createTopic(
  view: ControllerView,
  topic: CreatableTopic,
  taken: ReadonlyMap<string, string>,
): Decision<CreatedTopic> {
  checkName(view.image, topic.name, taken)
  const overrides = overridesOf(topic)
  validateTopicConfigs(overrides, view.settings)
  const replicas = topic.assignments.length > 0 ? assigned(view, topic) : placed(view, topic)
  const topicId = randomUuid(view.random)
  return {
    records: [
      metadataRecord(topicRecord, { name: topic.name, topicId }),
      ...topicConfigRecords(topic.name, overrides),
      ...partitionRecords(view.image, topicId, replicas, 0),
    ],
    answer: {
      name: topic.name,
      error: 'NONE',
      errorMessage: null,
      topicId,
      partitionCount: replicas.length,
      replicationFactor: replicas[0]!.length,
      overrides,
    },
  }
}

function overridesOf(topic: CreatableTopic): Map<string, string> {
  const overrides = new Map<string, string>()
  for (const { name, value } of topic.configs) {
    if (value === null) {
      throw new Refusal('INVALID_CONFIG', `Null value not supported for topic configs: ${name}`)
    }
    overrides.set(name, value)
  }
  return overrides
}

/**
 * Topics by what names may not collide in; those of the same request may, as on Kafka. Looked up once
 * a request, and only where a name can collide.
 */
function collisions(image: Image, topics: readonly CreatableTopic[]): ReadonlyMap<string, string> {
  const taken = new Map<string, string>()
  if (!topics.some(({ name }) => /[._]/.test(name))) return taken
  for (const name of image.topics.keys()) {
    if (/[._]/.test(name)) taken.set(collisionKey(name), name)
  }
  return taken
}

function checkName(image: Image, name: string, taken: ReadonlyMap<string, string>): void {
  if (name === clusterMetadataTopic) {
    throw new Refusal(
      'INVALID_REQUEST',
      `Creation of internal topic ${clusterMetadataTopic} is prohibited.`,
    )
  }
  if (image.topics.has(name)) {
    throw new Refusal('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  }
  const fault = topicNameFault(name)
  if (fault !== null) {
    throw new Refusal('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${fault}`)
  }
  const other = taken.get(collisionKey(name))
  if (other !== undefined) {
    throw new Refusal(
      'INVALID_TOPIC_EXCEPTION',
      `Topic '${name}' collides with existing topic: ${other}`,
    )
  }
}

function placed(view: ControllerView, topic: CreatableTopic): number[][] {
  const { numPartitions, replicationFactor } = topic
  if (numPartitions < -1 || numPartitions === 0) {
    throw new Refusal(
      'INVALID_PARTITIONS',
      'Number of partitions was set to an invalid non-positive value.',
    )
  }
  if (replicationFactor < -1 || replicationFactor === 0) {
    throw new Refusal(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  const { settings } = view
  const partitions = numPartitions === -1 ? settings.int('num.partitions') : numPartitions
  const factor =
    replicationFactor === -1 ? settings.int('default.replication.factor') : replicationFactor
  return placeReplicas(view.image, partitions, grantedFactor(factor, settings), view.random)
}

function assigned({ image, settings }: ControllerView, topic: CreatableTopic): number[][] {
  if (topic.replicationFactor !== -1) {
    throw new Refusal(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (topic.numPartitions !== -1) {
    throw new Refusal(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const byIndex = new Map<number, readonly number[]>()
  let asked: number | null = null
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (byIndex.has(partitionIndex)) {
      throw new Refusal(
        'INVALID_REPLICA_ASSIGNMENT',
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      )
    }
    checkAssignment(image, brokerIds, asked)
    asked ??= brokerIds.length
    const granted = brokerIds.slice(0, grantedFactor(brokerIds.length, settings))
    checkReplicated(granted.length)
    byIndex.set(partitionIndex, granted)
  }
  return Array.from({ length: byIndex.size }, (_, index) => {
    const replicas = byIndex.get(index)
    if (replicas === undefined) {
      throw new Refusal(
        'INVALID_REPLICA_ASSIGNMENT',
        'partitions should be a consecutive 0-based integer sequence',
      )
    }
    return [...replicas]
  })
}

/** @throws Refusal INVALID_REPLICA_ASSIGNMENT; `factor` is what the other partitions have. */
export function checkAssignment(
  image: Image,
  brokerIds: readonly number[],
  factor: number | null,
): void {
  const refuse = (detail: string) => new Refusal('INVALID_REPLICA_ASSIGNMENT', detail)
  if (brokerIds.length === 0) {
    throw refuse('The manual partition assignment includes an empty replica list.')
  }
  const sorted = [...brokerIds].sort((a, b) => a - b)
  sorted.forEach((id, i) => {
    if (!image.brokers.has(id)) {
      throw refuse(
        `The manual partition assignment includes broker ${id}, but no such broker is registered.`,
      )
    }
    if (sorted[i - 1] === id) {
      throw refuse(`The manual partition assignment includes the broker ${id} more than once.`)
    }
  })
  if (factor !== null && factor !== brokerIds.length) {
    throw refuse(
      `The manual partition assignment includes a partition with ${brokerIds.length} replica(s), ` +
        `but this is not consistent with previous partitions, which have ${factor} replica(s).`,
    )
  }
}

/** The records of new partitions, numbered from `first` on. */
export function partitionRecords(
  image: Image,
  topicId: string,
  replicas: readonly (readonly number[])[],
  first: number,
): MetadataRecord[] {
  return replicas.map((ids, i) => {
    const isr = ids.filter((id) => image.brokers.get(id)?.fenced === false)
    return metadataRecord(partitionRecord, {
      partitionId: first + i,
      topicId,
      replicas: ids,
      isr,
      removingReplicas: [],
      addingReplicas: [],
      leader: isr[0] ?? -1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: ids.map((id) => defaultDirectory(image, id)),
    })
  })
}

function defaultDirectory(image: Image, brokerId: number): string {
  const directories = image.brokers.get(brokerId)?.logDirs ?? []
  return directories.length === 1 ? directories[0]! : directoryIds.unassigned
}
