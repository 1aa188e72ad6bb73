import { mapInTurns } from '../../base/turns.ts'
import { internalTopics, topicNameFault } from '../../metadata/controller/topic-name.ts'
import { type Image, offlineReplicas, type TopicState, topicById } from '../../metadata/image.ts'
import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type MetadataRequest,
  type MetadataResponse,
  metadata,
} from '../../protocol/messages/03-metadata.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { clusterResource, mayAccess, operationsIfAsked } from '../access.ts'
import { aliveNodes, anyAliveId } from '../endpoints.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type TopicAnswer = MetadataResponse['topics'][number]
type Asked = NonNullable<MetadataRequest['topics']>[number]

/** Metadata: returns topics, leaders and broker addresses; may create missing topics. */
export const handleMetadata = handler(
  metadata,
  async (request, context, services) => {
    checkNamed(request, context.apiVersion)
    const all = isAll(request, context.apiVersion)
    const asked = all ? [] : distinct(request.topics ?? [])
    if (!all) await createMissing(asked, request, context, services)
    const { turns, metadata: seen } = services
    const { image } = seen
    const nodes = aliveNodes(image, context.session)
    const topics = all
      ? await mapInTurns(
          turns,
          [...image.topics.values()].filter(({ name }) =>
            mayAccess(services, context, 'DESCRIBE', 'topic', name, false),
          ),
          (topic) => {
            context.session.closed.throwIfAborted()
            return describe(topic, image, request, context, services)
          },
        )
      : await mapInTurns(turns, asked, (one) => answerFor(one, image, request, context, services))
    return {
      brokers: nodes.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
      clusterId: services.identity.clusterId,
      controllerId: anyAliveId(image, context.session, services.random.int),
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

/** Checks names and ids: v10 and v11 have ids, but they are allowed only from v12 (KIP-516). */
function checkNamed({ topics }: MetadataRequest, version: number): void {
  if (version >= 12) {
    const isByName = (topics ?? []).every(({ topicId }) => topicId === zeroUuid)
    if (!isByName || (topics ?? []).every(({ name }) => name !== null)) return
    throw new ApiError('UNKNOWN_SERVER_ERROR', 'A topic with neither name nor id.')
  }
  for (const { name, topicId } of topics ?? []) {
    if (name === null || topicId !== zeroUuid) throw new ApiError('INVALID_REQUEST')
  }
}

/**
 * Removes duplicate topics. If any topic has an id, only ids count and names are ignored: Java
 * clients leave them empty.
 */
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
  const { settings, metadata, autoCreation } = services
  if (!request.allowAutoTopicCreation || !settings.bool('auto.create.topics.enable')) return
  const names = asked.flatMap(({ name }) =>
    name !== null &&
    !metadata.image.topics.has(name) &&
    topicNameFault(name) === null &&
    (mayAccess(services, context, 'CREATE', 'cluster', clusterResource, false) ||
      mayAccess(services, context, 'CREATE', 'topic', name))
      ? [name]
      : [],
  )
  // Topics not created yet, or refused, are answered as unknown below.
  if (names.length === 0) return
  await autoCreation.request(names, context)
}

function answerFor(
  { name, topicId }: Asked,
  image: Image,
  request: MetadataRequest,
  context: RequestContext,
  services: Services,
): TopicAnswer {
  const topic = name === null ? topicById(image, topicId) : image.topics.get(name)
  if (topic !== undefined && mayAccess(services, context, 'DESCRIBE', 'topic', topic.name)) {
    return describe(topic, image, request, context, services)
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

/** Descriptions of topics by image, so that all requests in progress share their memory. */
const described = new WeakMap<Image, Map<TopicState, TopicAnswer>>()

function describe(
  topic: TopicState,
  image: Image,
  { includeTopicAuthorizedOperations: isAsked }: MetadataRequest,
  context: RequestContext,
  services: Services,
): TopicAnswer {
  const shared = sharedDescription(topic, image)
  if (!isAsked) return shared
  const operations = operationsIfAsked(isAsked, services, context, 'topic', topic.name)
  return { ...shared, topicAuthorizedOperations: operations }
}

function sharedDescription(topic: TopicState, image: Image): TopicAnswer {
  let ofImage = described.get(image)
  if (ofImage === undefined) described.set(image, (ofImage = new Map()))
  let answer = ofImage.get(topic)
  if (answer === undefined) {
    answer = {
      errorCode: 0,
      name: topic.name,
      topicId: topic.id,
      isInternal: internalTopics.has(topic.name),
      partitions: partitionsOf(topic, image),
    }
    ofImage.set(topic, answer)
  }
  return answer
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
