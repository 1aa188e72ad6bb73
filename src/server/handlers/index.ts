import type { BrokerSettings } from '../../metadata/config/settings.ts'
import { forwardableHandlers } from '../controller/handlers/index.ts'
import { forwarded } from '../forwarded.ts'
import type { AnyHandler } from '../handler.ts'
import { handleProduce } from './00-produce.ts'
import { handleFetch } from './01-fetch.ts'
import { handleListOffsets } from './02-list-offsets.ts'
import { handleMetadata } from './03-metadata.ts'
import { handleOffsetCommit } from './08-offset-commit.ts'
import { handleOffsetFetch } from './09-offset-fetch.ts'
import { handleFindCoordinator } from './10-find-coordinator.ts'
import { handleJoinGroup } from './11-join-group.ts'
import { handleHeartbeat } from './12-heartbeat.ts'
import { handleLeaveGroup } from './13-leave-group.ts'
import { handleSyncGroup } from './14-sync-group.ts'
import { handleDescribeGroups } from './15-describe-groups.ts'
import { handleListGroups } from './16-list-groups.ts'
import { handleSaslHandshake } from './17-sasl-handshake.ts'
import { handleApiVersions } from './18-api-versions.ts'
import { handleDeleteRecords } from './21-delete-records.ts'
import { handleInitProducerId } from './22-init-producer-id.ts'
import { handleOffsetForLeaderEpoch } from './23-offset-for-leader-epoch.ts'
import { handleAddPartitionsToTxn } from './24-add-partitions-to-txn.ts'
import { handleAddOffsetsToTxn } from './25-add-offsets-to-txn.ts'
import { handleEndTxn } from './26-end-txn.ts'
import { handleWriteTxnMarkers } from './27-write-txn-markers.ts'
import { handleTxnOffsetCommit } from './28-txn-offset-commit.ts'
import { handleDescribeAcls } from './29-describe-acls.ts'
import { handleDescribeConfigs } from './32-describe-configs.ts'
import { handleAlterConfigs } from './33-alter-configs.ts'
import { handleAlterReplicaLogDirs } from './34-alter-replica-log-dirs.ts'
import { handleDescribeLogDirs } from './35-describe-log-dirs.ts'
import { handleSaslAuthenticate } from './36-sasl-authenticate.ts'
import { handleCreateDelegationToken } from './38-create-delegation-token.ts'
import { handleRenewDelegationToken } from './39-renew-delegation-token.ts'
import { handleExpireDelegationToken } from './40-expire-delegation-token.ts'
import { handleDescribeDelegationToken } from './41-describe-delegation-token.ts'
import { handleDeleteGroups } from './42-delete-groups.ts'
import { handleIncrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { handleOffsetDelete } from './47-offset-delete.ts'
import { handleDescribeClientQuotas } from './48-describe-client-quotas.ts'
import { handleDescribeUserScramCredentials } from './50-describe-user-scram-credentials.ts'
import { handleDescribeCluster } from './60-describe-cluster.ts'
import { handleDescribeProducers } from './61-describe-producers.ts'
import { handleDescribeTransactions } from './65-describe-transactions.ts'
import { handleListTransactions } from './66-list-transactions.ts'
import { handleConsumerGroupHeartbeat } from './68-consumer-group-heartbeat.ts'
import { handleConsumerGroupDescribe } from './69-consumer-group-describe.ts'
import { handleGetTelemetrySubscriptions } from './71-get-telemetry-subscriptions.ts'
import { handlePushTelemetry } from './72-push-telemetry.ts'
import { handleListConfigResources } from './74-list-config-resources.ts'
import { handleDescribeTopicPartitions } from './75-describe-topic-partitions.ts'
import { handleShareGroupHeartbeat } from './76-share-group-heartbeat.ts'
import { handleShareGroupDescribe } from './77-share-group-describe.ts'
import { handleInitializeShareGroupState } from './83-initialize-share-group-state.ts'
import { handleReadShareGroupState } from './84-read-share-group-state.ts'
import { handleWriteShareGroupState } from './85-write-share-group-state.ts'
import { handleDeleteShareGroupState } from './86-delete-share-group-state.ts'
import { handleReadShareGroupStateSummary } from './87-read-share-group-state-summary.ts'
import { handleDescribeShareGroupOffsets } from './90-describe-share-group-offsets.ts'
import { handleAlterShareGroupOffsets } from './91-alter-share-group-offsets.ts'
import { handleDeleteShareGroupOffsets } from './92-delete-share-group-offsets.ts'

/** Requests of which a broker forwards only what it does not answer itself. */
const partlyForwarded: readonly AnyHandler[] = [
  handleAlterConfigs,
  handleCreateDelegationToken,
  handleRenewDelegationToken,
  handleExpireDelegationToken,
  handleIncrementalAlterConfigs,
]
const ownKeys: ReadonlySet<number> = new Set(partlyForwarded.map(({ api }) => api.key))

/** Requests that are forwarded as they come, without a part of the broker's own. */
const forwardedHandlers = forwardableHandlers
  .filter(({ api }) => !ownKeys.has(api.key))
  .map(forwarded)

/** The handlers of all served API keys, in any order. ApiVersions is derived from it. */
const unsorted: readonly AnyHandler[] = [
  ...forwardedHandlers,
  ...partlyForwarded,
  handleProduce,
  handleFetch,
  handleListOffsets,
  handleMetadata,
  handleOffsetCommit,
  handleOffsetFetch,
  handleFindCoordinator,
  handleJoinGroup,
  handleHeartbeat,
  handleLeaveGroup,
  handleSyncGroup,
  handleDescribeGroups,
  handleListGroups,
  handleSaslHandshake,
  handleApiVersions,
  handleDeleteRecords,
  handleInitProducerId,
  handleOffsetForLeaderEpoch,
  handleAddPartitionsToTxn,
  handleAddOffsetsToTxn,
  handleEndTxn,
  handleWriteTxnMarkers,
  handleTxnOffsetCommit,
  handleDescribeAcls,
  handleDescribeConfigs,
  handleAlterReplicaLogDirs,
  handleDescribeLogDirs,
  handleSaslAuthenticate,
  handleDescribeDelegationToken,
  handleDeleteGroups,
  handleOffsetDelete,
  handleDescribeClientQuotas,
  handleDescribeUserScramCredentials,
  handleDescribeCluster,
  handleDescribeProducers,
  handleDescribeTransactions,
  handleListTransactions,
  handleConsumerGroupHeartbeat,
  handleConsumerGroupDescribe,
  handleGetTelemetrySubscriptions,
  handlePushTelemetry,
  handleListConfigResources,
  handleDescribeTopicPartitions,
  handleShareGroupHeartbeat,
  handleShareGroupDescribe,
  handleInitializeShareGroupState,
  handleReadShareGroupState,
  handleWriteShareGroupState,
  handleDeleteShareGroupState,
  handleReadShareGroupStateSummary,
  handleDescribeShareGroupOffsets,
  handleAlterShareGroupOffsets,
  handleDeleteShareGroupOffsets,
]

/** The handlers of all served API keys, by key. ApiVersions is derived from it. */
export const handlers = unsorted.toSorted((a, b) => a.api.key - b.api.key)

/**
 * API keys that are served but advertised only with `odradek.telemetry.enabled`, as Kafka
 * advertises them only with a receiver.
 */
const telemetryKeys: ReadonlySet<number> = new Set([
  handleGetTelemetrySubscriptions.api.key,
  handlePushTelemetry.api.key,
])

/** Returns the handlers that a broker with these settings advertises. */
export function advertisedHandlers(settings: BrokerSettings): readonly AnyHandler[] {
  const hasTelemetry = settings.bool('odradek.telemetry.enabled')
  return hasTelemetry ? handlers : handlers.filter(({ api }) => !telemetryKeys.has(api.key))
}
