import { createTopics } from '../../metadata/controller/create-topics.ts'
import { internalTopics, topicNameFault } from '../../metadata/controller/topic-name.ts'
import { type Image, offlineReplicas, type TopicState, topicById } from '../../metadata/image.ts'
import { type ErrorName, errorCode, Refusal } from '../../protocol/errors.ts'
import {
  type MetadataRequest,
  type MetadataResponse,
  metadata,
} from '../../protocol/messages/03-metadata.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { clusterResource, mayAccess, operationsIfAsked } from '../access.ts'
import { aliveNodes, anyAliveId } from '../endpoints.ts'
import { handler, type RequestContext } from '../handler.ts'
import { creatableInternalTopic } from '../internal-topics.ts'
import type { Services } from '../services.ts'

type TopicAnswer = MetadataResponse['topics'][number]
type Asked = NonNullable<MetadataRequest['topics']>[number]

/** Metadata: who leads what, and where. Topics that are asked for may come into being by it. */
export const handleMetadata = handler(
  metadata,
  async (request, context, services) => {
    checkNamed(request, context.apiVersion)
    const all = isAll(request, context.apiVersion)
    const asked = all ? [] : distinct(request.topics ?? [])
    if (!all) await createMissing(asked, request, context, services)
    const { image } = services.metadata
    const nodes = aliveNodes(image, context)
    const topics = all
      ? [...image.topics.values()]
          .filter(({ name }) => mayAccess(services, context, 'DESCRIBE', 'topic', name))
          .map((topic) => describe(topic, request, context, services))
      : asked.map((one) => answerFor(one, request, context, services))
    return {
      brokers: nodes.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
      clusterId: services.identity.clusterId,
      controllerId: anyAliveId(image, context, services.random.int),
      topics,
      clusterAuthorizedOperations: operationsIfAsked(
        request.includeClusterAuthorizedOperations,
        services,
        context,
        'cluster',
        clusterResource,
      ),
    }
  },
  (request, _context, code) => ({
    brokers: [],
    topics: (request.topics ?? []).map(({ name, topicId }) => ({
      errorCode: code,
      name: name ?? '',
      topicId,
      partitions: [],
    })),
    errorCode: code,
  }),
)

/** Version 0 had no null: an empty list meant all topics. */
function isAll({ topics }: MetadataRequest, version: number): boolean {
  return topics === null || (version === 0 && topics.length === 0)
}

/** Ids may stand in v10 and v11, but only from v12 on may a topic be asked for by one (KIP-516). */
function checkNamed({ topics }: MetadataRequest, version: number): void {
  if (version >= 12) return
  for (const { name, topicId } of topics ?? []) {
    if (name === null || topicId !== zeroUuid) throw new Refusal('INVALID_REQUEST')
  }
}

/** Each topic once. One id makes ids of all: names are not looked at, which Java clients leave empty. */
function distinct(topics: readonly Asked[]): Asked[] {
  const ids = new Set(topics.map(({ topicId }) => topicId).filter((id) => id !== zeroUuid))
  if (ids.size > 0) return [...ids].map((topicId) => ({ name: null, topicId }))
  return [...new Map(topics.map((one) => [one.name ?? one.topicId, one])).values()]
}

async function createMissing(
  asked: readonly Asked[],
  request: MetadataRequest,
  context: RequestContext,
  services: Services,
): Promise<void> {
  const { settings, metadata } = services
  if (!request.allowAutoTopicCreation || !settings.bool('auto.create.topics.enable')) return
  const names = asked.flatMap(({ name }) =>
    name !== null &&
    !metadata.image.topics.has(name) &&
    topicNameFault(name) === null &&
    (mayAccess(services, context, 'CREATE', 'cluster', clusterResource) ||
      mayAccess(services, context, 'CREATE', 'topic', name))
      ? [name]
      : [],
  )
  if (names.length === 0) return
  const topics = names.map(
    (name) => creatableInternalTopic(name, settings) ?? { ...defaultTopic, name },
  )
  // What could not be made is found missing below, and said so.
  await metadata.submit(createTopics(topics, { validateOnly: false }))
}

const defaultTopic = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }

function answerFor(
  { name, topicId }: Asked,
  request: MetadataRequest,
  context: RequestContext,
  services: Services,
): TopicAnswer {
  const { image } = services.metadata
  const topic = name === null ? topicById(image, topicId) : image.topics.get(name)
  if (topic !== undefined && mayAccess(services, context, 'DESCRIBE', 'topic', topic.name)) {
    return describe(topic, request, context, services)
  }
  if (name === null) return missing('UNKNOWN_TOPIC_ID', null, topicId)
  if (!mayAccess(services, context, 'DESCRIBE', 'topic', name)) {
    return missing('TOPIC_AUTHORIZATION_FAILED', name, zeroUuid)
  }
  const isValid = topicNameFault(name) === null
  return missing(isValid ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION', name, zeroUuid)
}

function missing(error: ErrorName, name: string | null, topicId: string): TopicAnswer {
  const isInternal = name !== null && internalTopics.has(name)
  return { errorCode: errorCode(error), name, topicId, isInternal, partitions: [] }
}

function describe(
  topic: TopicState,
  request: MetadataRequest,
  context: RequestContext,
  services: Services,
): TopicAnswer {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: internalTopics.has(topic.name),
    partitions: partitionsOf(topic, services.metadata.image),
    topicAuthorizedOperations: operationsIfAsked(
      request.includeTopicAuthorizedOperations,
      services,
      context,
      'topic',
      topic.name,
    ),
  }
}

function partitionsOf(topic: TopicState, image: Image): TopicAnswer['partitions'] {
  return topic.partitions.map((partition, partitionIndex) => ({
    errorCode: partition.leader === -1 ? errorCode('LEADER_NOT_AVAILABLE') : 0,
    partitionIndex,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: offlineReplicas(partition, image),
  }))
}
