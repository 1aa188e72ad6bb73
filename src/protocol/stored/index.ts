/** All standalone messages: headers, and contents of records in internal logs. */
import type { AnyData } from '../schema.ts'
import { consumerProtocolAssignment } from './consumer/consumer-protocol-assignment.ts'
import { consumerProtocolSubscription } from './consumer/consumer-protocol-subscription.ts'
import { legacyOffsetCommitKey, legacyOffsetCommitValue } from './group/00-legacy-offset-commit.ts'
import { offsetCommitKey, offsetCommitValue } from './group/01-offset-commit.ts'
import { groupMetadataKey, groupMetadataValue } from './group/02-group-metadata.ts'
import {
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
} from './group/03-consumer-group-metadata.ts'
import {
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue,
} from './group/04-consumer-group-partition-metadata.ts'
import {
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
} from './group/05-consumer-group-member-metadata.ts'
import {
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
} from './group/06-consumer-group-target-assignment-metadata.ts'
import {
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
} from './group/07-consumer-group-target-assignment-member.ts'
import {
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
} from './group/08-consumer-group-current-member-assignment.ts'
import {
  shareGroupMemberMetadataKey,
  shareGroupMemberMetadataValue,
} from './group/10-share-group-member-metadata.ts'
import { shareGroupMetadataKey, shareGroupMetadataValue } from './group/11-share-group-metadata.ts'
import {
  shareGroupTargetAssignmentMetadataKey,
  shareGroupTargetAssignmentMetadataValue,
} from './group/12-share-group-target-assignment-metadata.ts'
import {
  shareGroupTargetAssignmentMemberKey,
  shareGroupTargetAssignmentMemberValue,
} from './group/13-share-group-target-assignment-member.ts'
import {
  shareGroupCurrentMemberAssignmentKey,
  shareGroupCurrentMemberAssignmentValue,
} from './group/14-share-group-current-member-assignment.ts'
import {
  shareGroupStatePartitionMetadataKey,
  shareGroupStatePartitionMetadataValue,
} from './group/15-share-group-state-partition-metadata.ts'
import {
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
} from './group/16-consumer-group-regular-expression.ts'
import {
  streamsGroupMetadataKey,
  streamsGroupMetadataValue,
} from './group/17-streams-group-metadata.ts'
import {
  streamsGroupMemberMetadataKey,
  streamsGroupMemberMetadataValue,
} from './group/19-streams-group-member-metadata.ts'
import {
  streamsGroupTargetAssignmentMetadataKey,
  streamsGroupTargetAssignmentMetadataValue,
} from './group/20-streams-group-target-assignment-metadata.ts'
import {
  streamsGroupTargetAssignmentMemberKey,
  streamsGroupTargetAssignmentMemberValue,
} from './group/21-streams-group-target-assignment-member.ts'
import {
  streamsGroupCurrentMemberAssignmentKey,
  streamsGroupCurrentMemberAssignmentValue,
} from './group/22-streams-group-current-member-assignment.ts'
import {
  streamsGroupTopologyKey,
  streamsGroupTopologyValue,
} from './group/23-streams-group-topology.ts'
import { defaultPrincipalData } from './header/default-principal-data.ts'
import { requestHeader } from './header/request-header.ts'
import { responseHeader } from './header/response-header.ts'
import { registerBrokerRecord } from './metadata/00-register-broker-record.ts'
import { unregisterBrokerRecord } from './metadata/01-unregister-broker-record.ts'
import { topicRecord } from './metadata/02-topic-record.ts'
import { partitionRecord } from './metadata/03-partition-record.ts'
import { configRecord } from './metadata/04-config-record.ts'
import { partitionChangeRecord } from './metadata/05-partition-change-record.ts'
import { fenceBrokerRecord } from './metadata/07-fence-broker-record.ts'
import { unfenceBrokerRecord } from './metadata/08-unfence-broker-record.ts'
import { removeTopicRecord } from './metadata/09-remove-topic-record.ts'
import { delegationTokenRecord } from './metadata/10-delegation-token-record.ts'
import { userScramCredentialRecord } from './metadata/11-user-scram-credential-record.ts'
import { featureLevelRecord } from './metadata/12-feature-level-record.ts'
import { clientQuotaRecord } from './metadata/14-client-quota-record.ts'
import { producerIdsRecord } from './metadata/15-producer-ids-record.ts'
import { brokerRegistrationChangeRecord } from './metadata/17-broker-registration-change-record.ts'
import { accessControlEntryRecord } from './metadata/18-access-control-entry-record.ts'
import { removeAccessControlEntryRecord } from './metadata/19-remove-access-control-entry-record.ts'
import { noOpRecord } from './metadata/20-no-op-record.ts'
import { zkMigrationStateRecord } from './metadata/21-zk-migration-state-record.ts'
import { removeUserScramCredentialRecord } from './metadata/22-remove-user-scram-credential-record.ts'
import { beginTransactionRecord } from './metadata/23-begin-transaction-record.ts'
import { endTransactionRecord } from './metadata/24-end-transaction-record.ts'
import { abortTransactionRecord } from './metadata/25-abort-transaction-record.ts'
import { removeDelegationTokenRecord } from './metadata/26-remove-delegation-token-record.ts'
import { registerControllerRecord } from './metadata/27-register-controller-record.ts'
import { clearElrRecord } from './metadata/28-clear-elr-record.ts'
import { unregisterControllerRecord } from './metadata/29-unregister-controller-record.ts'
import { kRaftVersionRecord } from './raft/k-raft-version-record.ts'
import { leaderChangeMessage } from './raft/leader-change-message.ts'
import { quorumStateData } from './raft/quorum-state-data.ts'
import { snapshotFooterRecord } from './raft/snapshot-footer-record.ts'
import { snapshotHeaderRecord } from './raft/snapshot-header-record.ts'
import { votersRecord } from './raft/voters-record.ts'
import { shareSnapshotKey, shareSnapshotValue } from './share/00-share-snapshot.ts'
import { shareUpdateKey, shareUpdateValue } from './share/01-share-update.ts'
import { abortedTxn } from './storage/aborted-txn.ts'
import { controlRecordTypeSchema } from './storage/control-record-type-schema.ts'
import { endTxnMarker } from './storage/end-txn-marker.ts'
import { producerSnapshot } from './storage/producer-snapshot.ts'
import { remoteLogSegmentMetadataRecord } from './storage/remote-log-segment-metadata-record.ts'
import { remoteLogSegmentMetadataSnapshotRecord } from './storage/remote-log-segment-metadata-snapshot-record.ts'
import { remoteLogSegmentMetadataUpdateRecord } from './storage/remote-log-segment-metadata-update-record.ts'
import { remotePartitionDeleteMetadataRecord } from './storage/remote-partition-delete-metadata-record.ts'
import { transactionLogKey, transactionLogValue } from './transaction/00-transaction-log.ts'

export const stored: Readonly<Record<string, readonly AnyData[]>> = {
  consumer: [consumerProtocolAssignment, consumerProtocolSubscription],
  group: [
    legacyOffsetCommitKey,
    legacyOffsetCommitValue,
    offsetCommitKey,
    offsetCommitValue,
    groupMetadataKey,
    groupMetadataValue,
    consumerGroupMetadataKey,
    consumerGroupMetadataValue,
    consumerGroupPartitionMetadataKey,
    consumerGroupPartitionMetadataValue,
    consumerGroupMemberMetadataKey,
    consumerGroupMemberMetadataValue,
    consumerGroupTargetAssignmentMetadataKey,
    consumerGroupTargetAssignmentMetadataValue,
    consumerGroupTargetAssignmentMemberKey,
    consumerGroupTargetAssignmentMemberValue,
    consumerGroupCurrentMemberAssignmentKey,
    consumerGroupCurrentMemberAssignmentValue,
    shareGroupMemberMetadataKey,
    shareGroupMemberMetadataValue,
    shareGroupMetadataKey,
    shareGroupMetadataValue,
    shareGroupTargetAssignmentMetadataKey,
    shareGroupTargetAssignmentMetadataValue,
    shareGroupTargetAssignmentMemberKey,
    shareGroupTargetAssignmentMemberValue,
    shareGroupCurrentMemberAssignmentKey,
    shareGroupCurrentMemberAssignmentValue,
    shareGroupStatePartitionMetadataKey,
    shareGroupStatePartitionMetadataValue,
    consumerGroupRegularExpressionKey,
    consumerGroupRegularExpressionValue,
    streamsGroupMetadataKey,
    streamsGroupMetadataValue,
    streamsGroupMemberMetadataKey,
    streamsGroupMemberMetadataValue,
    streamsGroupTargetAssignmentMetadataKey,
    streamsGroupTargetAssignmentMetadataValue,
    streamsGroupTargetAssignmentMemberKey,
    streamsGroupTargetAssignmentMemberValue,
    streamsGroupCurrentMemberAssignmentKey,
    streamsGroupCurrentMemberAssignmentValue,
    streamsGroupTopologyKey,
    streamsGroupTopologyValue,
  ],
  header: [defaultPrincipalData, requestHeader, responseHeader],
  metadata: [
    registerBrokerRecord,
    unregisterBrokerRecord,
    topicRecord,
    partitionRecord,
    configRecord,
    partitionChangeRecord,
    fenceBrokerRecord,
    unfenceBrokerRecord,
    removeTopicRecord,
    delegationTokenRecord,
    userScramCredentialRecord,
    featureLevelRecord,
    clientQuotaRecord,
    producerIdsRecord,
    brokerRegistrationChangeRecord,
    accessControlEntryRecord,
    removeAccessControlEntryRecord,
    noOpRecord,
    zkMigrationStateRecord,
    removeUserScramCredentialRecord,
    beginTransactionRecord,
    endTransactionRecord,
    abortTransactionRecord,
    removeDelegationTokenRecord,
    registerControllerRecord,
    clearElrRecord,
    unregisterControllerRecord,
  ],
  raft: [
    kRaftVersionRecord,
    leaderChangeMessage,
    quorumStateData,
    snapshotFooterRecord,
    snapshotHeaderRecord,
    votersRecord,
  ],
  share: [shareSnapshotKey, shareSnapshotValue, shareUpdateKey, shareUpdateValue],
  storage: [
    remoteLogSegmentMetadataRecord,
    remoteLogSegmentMetadataUpdateRecord,
    remotePartitionDeleteMetadataRecord,
    remoteLogSegmentMetadataSnapshotRecord,
    abortedTxn,
    controlRecordTypeSchema,
    endTxnMarker,
    producerSnapshot,
  ],
  transaction: [transactionLogKey, transactionLogValue],
}
