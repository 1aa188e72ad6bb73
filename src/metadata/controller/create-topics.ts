import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import type { CreateTopicsRequest } from '../../protocol/messages/19-create-topics.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { topicRecord } from '../../protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../../protocol/stored/metadata/03-partition-record.ts'
import type { Overrides } from '../config/settings.ts'
import { type Image, isActive } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import {
  type Command,
  type ControllerView,
  type Decision,
  randomUuid,
  recordsPerRequestMax,
  type TakePermits,
  tooManyRecords,
} from './controller.ts'
import { defaultDirectory } from './partition-rules.ts'
import { checkReplicated, grantedFactor, hasOpenDirectory, placeReplicas } from './placement.ts'
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
  /** The overrides in the request. */
  readonly overrides: Overrides
}

const clusterMetadataTopic = '__cluster_metadata'

/** Maximum partitions per request, as in Kafka's controller; one batch holds a whole topic. */
export const partitionsPerRequestMax = 10_000

/** Topics decided on between two yields. */
const topicsBetween = 8

const noOverrides: Overrides = new Map()

/** Creates topics; each topic succeeds or fails alone. */
export function createTopics(
  asked: readonly CreatableTopic[],
  options: { readonly validateOnly: boolean; readonly takePermits?: TakePermits | undefined },
): Command<CreatedTopic[]> {
  return function* (view) {
    const counts = new Map<string, number>()
    for (const { name } of asked) {
      counts.set(name, (counts.get(name) ?? 0) + 1)
      if (counts.size % topicsBetween === 0) yield
    }
    const isDuplicate = new ApiError('INVALID_REQUEST', 'Duplicate topic name.')
    const duplicates: CreatedTopic[] = []
    const topics: CreatableTopic[] = []
    for (const topic of asked) {
      const count = counts.get(topic.name)
      if (count === 1) topics.push(topic)
      else if (count !== undefined) duplicates.push(refused(topic.name, isDuplicate))
      // Each duplicate is answered once, at the end.
      if (count !== 1) counts.delete(topic.name)
      if (topics.length % topicsBetween === 0) yield
    }
    if (partitionsAsked(topics, view.settings.int('num.partitions')) > partitionsPerRequestMax) {
      const why = 'Excessively large number of partitions per request.'
      return { records: [], answer: [...(yield* allRefused(topics, why)), ...duplicates] }
    }
    const records: MetadataRecord[] = []
    const taken = collisions(view.image, topics)
    const created: CreatedTopic[] = []
    for (const topic of topics) {
      try {
        const decision = createTopic(view, topic, taken, options.takePermits)
        records.push(...decision.records)
        created.push(decision.answer)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        created.push(refused(topic.name, error))
      }
      if (created.length % topicsBetween === 0) yield
    }
    if (records.length > recordsPerRequestMax) {
      const refused = yield* allRefused(topics, tooManyRecords)
      return { records: [], answer: [...refused, ...duplicates] }
    }
    return { records: options.validateOnly ? [] : records, answer: [...created, ...duplicates] }
  }
}

function* allRefused(
  topics: readonly CreatableTopic[],
  why: string,
): Generator<void, CreatedTopic[]> {
  const refusal = new ApiError('POLICY_VIOLATION', why)
  const answers: CreatedTopic[] = []
  for (const { name } of topics) {
    answers.push(refused(name, refusal))
    if (answers.length % topicsBetween === 0) yield
  }
  return answers
}

/**
 * Returns the partitions that a request asks for in all, valid or not, as
 * `ReplicationControlManager` counts.
 */
function partitionsAsked(topics: readonly CreatableTopic[], byDefault: number): number {
  let total = 0
  for (const { assignments, numPartitions } of topics) {
    if (assignments.length > 0) total += assignments.length
    else total += numPartitions === -1 ? byDefault : Math.max(numPartitions, 0)
  }
  return total
}

function refused(name: string, { reason, detail }: ApiError): CreatedTopic {
  return {
    name,
    error: reason,
    errorMessage: detail,
    topicId: zeroUuid,
    partitionCount: -1,
    replicationFactor: -1,
    overrides: noOverrides,
  }
}

function createTopic(
  view: ControllerView,
  topic: CreatableTopic,
  taken: ReadonlyMap<string, string>,
  takePermits: TakePermits | undefined,
): Decision<CreatedTopic> {
  checkName(view.image, topic.name, taken)
  const overrides = overridesOf(topic)
  validateTopicConfigs(overrides, view.settings)
  const isAssigned = topic.assignments.length > 0
  const replicas = isAssigned ? assigned(view, topic) : placed(view, topic)
  const topicId = randomUuid(view.random)
  const partitions = partitionRecords(view.image, topicId, { replicas, isAssigned }, 0)
  takePermits?.(replicas.length)
  return {
    records: [
      metadataRecord(topicRecord, { name: topic.name, topicId }),
      ...topicConfigRecords(view.image, topic.name, overrides),
      ...partitions,
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
      throw new ApiError('INVALID_CONFIG', `Null value not supported for topic configs: ${name}`)
    }
    overrides.set(name, value)
  }
  return overrides
}

/**
 * Returns existing topics by collision key; topics of the same request may collide, as in Kafka.
 * Computed once per request, and only if a name can collide.
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
    throw new ApiError(
      'INVALID_REQUEST',
      `Creation of internal topic ${clusterMetadataTopic} is prohibited.`,
    )
  }
  if (image.topics.has(name)) {
    throw new ApiError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  }
  const fault = topicNameFault(name)
  if (fault !== null) {
    throw new ApiError('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: ${fault}`)
  }
  const other = taken.get(collisionKey(name))
  if (other !== undefined) {
    throw new ApiError(
      'INVALID_TOPIC_EXCEPTION',
      `Topic '${name}' collides with existing topic: ${other}`,
    )
  }
}

function placed(view: ControllerView, topic: CreatableTopic): number[][] {
  const { numPartitions, replicationFactor } = topic
  if (replicationFactor < -1 || replicationFactor === 0) {
    throw new ApiError(
      'INVALID_REPLICATION_FACTOR',
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  if (numPartitions < -1 || numPartitions === 0) {
    throw new ApiError(
      'INVALID_PARTITIONS',
      'Number of partitions was set to an invalid non-positive value.',
    )
  }
  const { settings } = view
  const partitions = numPartitions === -1 ? settings.int('num.partitions') : numPartitions
  const factor =
    replicationFactor === -1 ? settings.int('default.replication.factor') : replicationFactor
  const granted = grantedFactor(factor, settings)
  const replicas = orUnable(granted, () =>
    placeReplicas(view.image, partitions, granted, view.random),
  )
  checkReplicated(granted)
  return replicas
}

function orUnable<T>(factor: number, place: () => T): T {
  try {
    return place()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    throw new ApiError(error.reason, `${unable(factor)}${error.detail}`)
  }
}

const unable = (factor: number) => `Unable to replicate the partition ${factor} time(s): `

function assigned({ image, settings }: ControllerView, topic: CreatableTopic): number[][] {
  if (topic.replicationFactor !== -1) {
    throw new ApiError(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (topic.numPartitions !== -1) {
    throw new ApiError(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const byIndex = new Map<number, readonly number[]>()
  let asked: number | null = null
  for (const { partitionIndex, brokerIds } of topic.assignments) {
    if (byIndex.has(partitionIndex)) {
      throw new ApiError(
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
      throw new ApiError(
        'INVALID_REPLICA_ASSIGNMENT',
        'partitions should be a consecutive 0-based integer sequence',
      )
    }
    return [...replicas]
  })
}

/** @throws ApiError INVALID_REPLICA_ASSIGNMENT; `factor` is that of the other partitions. */
export function checkAssignment(
  image: Image,
  brokerIds: readonly number[],
  factor: number | null,
): void {
  const refuse = (detail: string) => new ApiError('INVALID_REPLICA_ASSIGNMENT', detail)
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
    if (!hasOpenDirectory(image.brokers.get(id)!)) {
      throw refuse(
        `The manual partition assignment includes broker ${id}, but all its log directories are ` +
          'cordoned.',
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

/**
 * Returns the records of new partitions, numbered from `first` on.
 * @throws ApiError if none of the brokers of a partition is alive; INVALID_REPLICA_ASSIGNMENT of
 * `assigned` brokers, else INVALID_REPLICATION_FACTOR.
 */
export function partitionRecords(
  image: Image,
  topicId: string,
  { replicas, isAssigned }: NewReplicas,
  first: number,
): MetadataRecord[] {
  return replicas.map((ids, i) => {
    const isr = ids.filter((id) => isActive(image, id))
    const [leader] = isr
    if (leader === undefined) throw noneAlive(first + i, ids.length, isAssigned)
    return metadataRecord(partitionRecord, {
      partitionId: first + i,
      topicId,
      replicas: ids,
      isr,
      removingReplicas: [],
      addingReplicas: [],
      leader,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: ids.map((id) => defaultDirectory(image, id)),
    })
  })
}

/** The replicas of new partitions, from the request or placed by the controller. */
export interface NewReplicas {
  readonly replicas: readonly (readonly number[])[]
  readonly isAssigned: boolean
}

function noneAlive(partition: number, factor: number, isAssigned: boolean): ApiError {
  if (isAssigned) {
    return new ApiError(
      'INVALID_REPLICA_ASSIGNMENT',
      `All brokers specified in the manual partition assignment for partition ${partition} are ` +
        'fenced or in controlled shutdown.',
    )
  }
  return new ApiError(
    'INVALID_REPLICATION_FACTOR',
    `${unable(factor)}All brokers are currently fenced or in controlled shutdown.`,
  )
}
