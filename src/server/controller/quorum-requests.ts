import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { epochMax, type MetadataPartition, metadataTopic } from '../../quorum/metadata-partition.ts'
import type { RequestContext } from '../handler.ts'
import type { ControllerServices } from './services.ts'

interface AskedTopic<P> {
  readonly topicName: string
  readonly partitions: readonly P[]
}

/** Returns the metadata partition of a request about nothing else; null for any other. */
export function soleMetadataPartition<P extends { readonly partitionIndex: number }>(
  topics: readonly AskedTopic<P>[],
): P | null {
  const [topic] = topics
  const [partition] = topic?.partitions ?? []
  const isSole = topics.length === 1 && topic!.partitions.length === 1
  if (!isSole || topic!.topicName !== metadataTopic || partition!.partitionIndex !== 0) return null
  return partition!
}

interface QuorumEndpoint {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * Returns where this controller is reached by the listener that a request came in by, for the
 * versions from `since` on; empty if it has no address there.
 */
export function leaderEndpoints(
  { metadata, identity: { nodeId } }: ControllerServices,
  { session: { listenerName, isSameProcess }, apiVersion }: RequestContext,
  since: number,
): QuorumEndpoint[] {
  if (apiVersion < since) return []
  // Within the process a node is found by its id.
  if (isSameProcess) return [{ nodeId, host: 'localhost', port: 0 }]
  const { endpoints } = metadata.image.controllers.get(nodeId) ?? { endpoints: [] }
  const found = endpoints.find(({ name }) => name === listenerName)
  return found === undefined ? [] : [{ nodeId, host: found.host, port: found.port }]
}

/** Returns the leader of the quorum as answers name it. */
export function currentLeader({ partition, identity: { nodeId } }: ControllerServices) {
  return { leaderId: nodeId, leaderEpoch: partition.epoch }
}

/** Returns why a voter refuses a request of this node and epoch; null if it does not. */
export function voterRefusal(
  partition: MetadataPartition,
  nodeId: number,
  epoch: number,
): ErrorName | null {
  if (epoch < partition.epoch) return 'FENCED_LEADER_EPOCH'
  return nodeId < 0 ? 'INVALID_REQUEST' : null
}

/** Whether a request names this voter, or none: ids are -1 and directories zero if not known. */
export function namesThisVoter(
  { self }: MetadataPartition,
  voterId: number,
  directoryId: string,
): boolean {
  if (voterId < 0) return true
  return voterId === self.id && [zeroUuid, self.directoryId].includes(directoryId)
}

/**
 * Leaves the current epoch, of which a request has named a later one, and begins the one after it:
 * no other voter can be elected.
 * @throws ApiError UNKNOWN_SERVER_ERROR if there is no epoch after it.
 */
export async function leadAgain(
  { metadata, logger }: ControllerServices,
  epoch: number,
  claimant: number,
): Promise<void> {
  logger.warn('another node takes part in the elections of this quorum, which has one voter', {
    node: claimant,
    epoch,
  })
  if (epoch > epochMax) throw new ApiError('UNKNOWN_SERVER_ERROR')
  await metadata.leadAbove(epoch)
}
