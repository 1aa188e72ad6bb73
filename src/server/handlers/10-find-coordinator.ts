import { mapWaiting } from '../../base/turns.ts'
import { keyPartition } from '../../coordinator/key-partition.ts'
import { coordinatorKey, shareKeyOf } from '../../coordinator/share/share-key.ts'
import {
  ApiError,
  defaultMessage,
  type ErrorName,
  errorCode,
  errorName,
} from '../../protocol/errors.ts'
import {
  type FindCoordinatorResponse,
  findCoordinator,
} from '../../protocol/messages/10-find-coordinator.ts'
import type { ResourceKind } from '../../security/authorizer.ts'
import { authorize, clusterResource } from '../access.ts'
import { nodeOf } from '../endpoints.ts'
import { handler, type RequestContext } from '../handler.ts'
import { offsetsTopic, shareStateTopic, transactionsTopic } from '../internal-topics.ts'
import type { Services } from '../services.ts'

type Found = NonNullable<FindCoordinatorResponse['coordinators']>[number]

const keyTypes = { group: 0, transaction: 1, share: 2 } as const
interface CoordinatorKind {
  readonly topic: string
  /** The kind of the resource that a key names, which the client must be allowed to describe. */
  readonly resource: ResourceKind | null
}
const coordinators: Readonly<Partial<Record<number, CoordinatorKind>>> = {
  [keyTypes.group]: { topic: offsetsTopic, resource: 'group' },
  [keyTypes.transaction]: { topic: transactionsTopic, resource: 'transactionalId' },
  [keyTypes.share]: { topic: shareStateTopic, resource: null },
}
/** The first version with several keys (KIP-699). */
const batchedSince = 4
/** The first version with share coordinators (KIP-932), which only brokers look for. */
const shareSince = 6

/** FindCoordinator: returns the leader of the partition that holds the key's records. */
export const handleFindCoordinator = handler(
  findCoordinator,
  async (request, context, services) => {
    const isBatched = context.apiVersion >= batchedSince
    const keys = isBatched ? request.coordinatorKeys : [request.key]
    if (request.keyType === keyTypes.share && context.apiVersion >= shareSince && keys.length > 0) {
      authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    }
    const found = await mapWaiting(services.turns, keys, (key) =>
      findOne(key, request.keyType, context, services),
    )
    if (isBatched) return { coordinators: found }
    const { errorCode: code, errorMessage, nodeId, host, port } = found[0]!
    // With a single answer, Kafka sends the message `NONE` for success.
    const message = code ? errorMessage || defaultMessage(errorName(code)) : 'NONE'
    return { errorCode: code, errorMessage: message, nodeId, host, port }
  },
  (request, context, code) => {
    const nobody = { errorCode: code, errorMessage: null, nodeId: -1, host: '', port: -1 }
    if (context.apiVersion < batchedSince) return nobody
    return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...nobody })) }
  },
)

async function findOne(
  key: string,
  keyType: number,
  context: RequestContext,
  services: Services,
): Promise<Found> {
  try {
    const { id, host, port } = await coordinatorOf(key, keyType, context, services)
    return { key, errorCode: 0, errorMessage: '', nodeId: id, host, port }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return refused(key, error.reason, error.detail)
  }
}

function refused(key: string, error: ErrorName, errorMessage: string | null): Found {
  return {
    key,
    errorCode: errorCode(error),
    errorMessage: errorMessage ?? '',
    nodeId: -1,
    host: '',
    port: -1,
  }
}

async function coordinatorOf(
  key: string,
  keyType: number,
  context: RequestContext,
  services: Services,
) {
  const kind = coordinators[keyType]
  if (kind === undefined) {
    throw new ApiError('INVALID_REQUEST', defaultMessage('INVALID_REQUEST'))
  }
  if (kind.resource !== null) authorize(services, context, 'DESCRIBE', kind.resource, key)
  const name = kind.resource === null ? shareNameOf(key, context) : key
  const { metadata, autoCreation } = services
  if (!metadata.image.topics.has(kind.topic)) await autoCreation.request([kind.topic], null)
  const topic = metadata.image.topics.get(kind.topic)
  if (topic === undefined) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
  const { leader } = topic.partitions[keyPartition(name, topic.partitions.length)]!
  const broker = metadata.image.brokers.get(leader)
  const node = broker === undefined ? null : nodeOf(broker, context.session)
  if (node === null) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
  return node
}

/** @throws ApiError INVALID_REQUEST */
function shareNameOf(text: string, { apiVersion }: RequestContext): string {
  const key = apiVersion < shareSince ? null : shareKeyOf(text)
  if (key === null) throw new ApiError('INVALID_REQUEST')
  return coordinatorKey(key)
}
