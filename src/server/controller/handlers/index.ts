import type { AnyHandler } from '../../handler.ts'
import { handleSaslHandshake } from '../../handlers/17-sasl-handshake.ts'
import { handleDescribeAcls } from '../../handlers/29-describe-acls.ts'
import { handleSaslAuthenticate } from '../../handlers/36-sasl-authenticate.ts'
import { answeredInStep } from '../in-step.ts'
import type { ControllerServices } from '../services.ts'
import { handleControllerFetch } from './01-fetch.ts'
import { handleControllerVersions } from './18-api-versions.ts'
import { handleCreateTopics } from './19-create-topics.ts'
import { handleDeleteTopics } from './20-delete-topics.ts'
import { handleCreateAcls } from './30-create-acls.ts'
import { handleDeleteAcls } from './31-delete-acls.ts'
import { handleControllerConfigs } from './32-describe-configs.ts'
import { handleAlterConfigs } from './33-alter-configs.ts'
import { handleCreatePartitions } from './37-create-partitions.ts'
import { handleCreateDelegationToken } from './38-create-delegation-token.ts'
import { handleRenewDelegationToken } from './39-renew-delegation-token.ts'
import { handleExpireDelegationToken } from './40-expire-delegation-token.ts'
import { handleControllerTokens } from './41-describe-delegation-token.ts'
import { handleElectLeaders } from './43-elect-leaders.ts'
import { handleIncrementalAlterConfigs } from './44-incremental-alter-configs.ts'
import { handleAlterPartitionReassignments } from './45-alter-partition-reassignments.ts'
import { handleListPartitionReassignments } from './46-list-partition-reassignments.ts'
import { handleAlterClientQuotas } from './49-alter-client-quotas.ts'
import { handleControllerScram } from './50-describe-user-scram-credentials.ts'
import { handleAlterUserScramCredentials } from './51-alter-user-scram-credentials.ts'
import { handleVote } from './52-vote.ts'
import { handleBeginQuorumEpoch } from './53-begin-quorum-epoch.ts'
import { handleEndQuorumEpoch } from './54-end-quorum-epoch.ts'
import { handleDescribeQuorum } from './55-describe-quorum.ts'
import { handleAlterPartition } from './56-alter-partition.ts'
import { handleUpdateFeatures } from './57-update-features.ts'
import { handleEnvelope } from './58-envelope.ts'
import { handleFetchSnapshot } from './59-fetch-snapshot.ts'
import { handleDescribeControllers } from './60-describe-cluster.ts'
import { handleBrokerRegistration } from './62-broker-registration.ts'
import { handleBrokerHeartbeat } from './63-broker-heartbeat.ts'
import { handleUnregisterBroker } from './64-unregister-broker.ts'
import { handleAllocateProducerIds } from './67-allocate-producer-ids.ts'
import { handleControllerRegistration } from './70-controller-registration.ts'
import { handleAssignReplicasToDirs } from './73-assign-replicas-to-dirs.ts'
import { handleAddRaftVoter } from './80-add-raft-voter.ts'
import { handleRemoveRaftVoter } from './81-remove-raft-voter.ts'
import { handleUpdateRaftVoter } from './82-update-raft-voter.ts'
import { handleUnregisterController } from './94-unregister-controller.ts'

type ControllerHandler = AnyHandler<ControllerServices>

const plainHandlers: readonly ControllerHandler[] = [
  handleCreateTopics,
  handleDeleteTopics,
  handleCreateAcls,
  handleDeleteAcls,
  handleAlterConfigs,
  handleCreatePartitions,
  handleCreateDelegationToken,
  handleRenewDelegationToken,
  handleExpireDelegationToken,
  handleElectLeaders,
  handleIncrementalAlterConfigs,
  handleAlterPartitionReassignments,
  handleListPartitionReassignments,
  handleAlterClientQuotas,
  handleAlterUserScramCredentials,
  handleDescribeQuorum,
  handleUpdateFeatures,
  handleUnregisterBroker,
  handleAddRaftVoter,
  handleRemoveRaftVoter,
  handleUnregisterController,
]

/** The requests of clients that brokers forward to the controller. */
export const forwardableHandlers = plainHandlers.map(answeredInStep)

/** The handlers of all API keys that a controller serves. */
export const controllerHandlers: readonly ControllerHandler[] = [
  ...forwardableHandlers,
  handleEnvelope,
  handleControllerFetch,
  handleVote,
  handleBeginQuorumEpoch,
  handleEndQuorumEpoch,
  handleFetchSnapshot,
  handleSaslHandshake,
  handleControllerVersions,
  handleDescribeAcls,
  handleControllerConfigs,
  handleSaslAuthenticate,
  handleControllerTokens,
  handleControllerScram,
  handleDescribeControllers,
  handleUpdateRaftVoter,
  handleAlterPartition,
  handleBrokerRegistration,
  handleBrokerHeartbeat,
  handleAllocateProducerIds,
  handleControllerRegistration,
  handleAssignReplicasToDirs,
]
