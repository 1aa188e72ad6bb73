import { assert } from '../base/assert.ts'
import { type Data, type Fields, type Infer, Malformed } from '../protocol/schema.ts'
import { registerBrokerRecord } from '../protocol/stored/metadata/00-register-broker-record.ts'
import { unregisterBrokerRecord } from '../protocol/stored/metadata/01-unregister-broker-record.ts'
import { topicRecord } from '../protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../protocol/stored/metadata/03-partition-record.ts'
import { configRecord } from '../protocol/stored/metadata/04-config-record.ts'
import {
  type PartitionChangeRecord,
  partitionChangeRecord,
} from '../protocol/stored/metadata/05-partition-change-record.ts'
import { fenceBrokerRecord } from '../protocol/stored/metadata/07-fence-broker-record.ts'
import { unfenceBrokerRecord } from '../protocol/stored/metadata/08-unfence-broker-record.ts'
import { removeTopicRecord } from '../protocol/stored/metadata/09-remove-topic-record.ts'
import { delegationTokenRecord } from '../protocol/stored/metadata/10-delegation-token-record.ts'
import { userScramCredentialRecord } from '../protocol/stored/metadata/11-user-scram-credential-record.ts'
import { featureLevelRecord } from '../protocol/stored/metadata/12-feature-level-record.ts'
import { clientQuotaRecord } from '../protocol/stored/metadata/14-client-quota-record.ts'
import { producerIdsRecord } from '../protocol/stored/metadata/15-producer-ids-record.ts'
import { brokerRegistrationChangeRecord } from '../protocol/stored/metadata/17-broker-registration-change-record.ts'
import { accessControlEntryRecord } from '../protocol/stored/metadata/18-access-control-entry-record.ts'
import { removeAccessControlEntryRecord } from '../protocol/stored/metadata/19-remove-access-control-entry-record.ts'
import { noOpRecord } from '../protocol/stored/metadata/20-no-op-record.ts'
import { zkMigrationStateRecord } from '../protocol/stored/metadata/21-zk-migration-state-record.ts'
import { removeUserScramCredentialRecord } from '../protocol/stored/metadata/22-remove-user-scram-credential-record.ts'
import { beginTransactionRecord } from '../protocol/stored/metadata/23-begin-transaction-record.ts'
import { endTransactionRecord } from '../protocol/stored/metadata/24-end-transaction-record.ts'
import { abortTransactionRecord } from '../protocol/stored/metadata/25-abort-transaction-record.ts'
import { removeDelegationTokenRecord } from '../protocol/stored/metadata/26-remove-delegation-token-record.ts'
import { registerControllerRecord } from '../protocol/stored/metadata/27-register-controller-record.ts'
import { clearElrRecord } from '../protocol/stored/metadata/28-clear-elr-record.ts'
import { unregisterControllerRecord } from '../protocol/stored/metadata/29-unregister-controller-record.ts'
import { isSupportedConfig, resourceTypes } from './config/keys.ts'
import type { ImageDelta } from './delta.ts'
import { directoryIds, sortedDirectories } from './directories.ts'
import { type BrokerState, configKey, type PartitionState, scramKey, topicById } from './image.ts'
import { quotaKey, quotaLevel } from './quotas.ts'
import type { MetadataRecord } from './records.ts'

type Effect = (delta: ImageDelta, value: never, offset: number) => void

function effect<F extends Fields>(
  { key }: Data<F>,
  run: (delta: ImageDelta, value: Infer<F>, offset: number) => void,
): readonly [number, Effect] {
  return [key!, run as Effect]
}

const noChange = -1
const noLeaderChange = -2

/**
 * Adds the effect of a record to a delta.
 * @throws Malformed for a record type that this release does not know: it is never skipped.
 */
export function replayRecord(delta: ImageDelta, record: MetadataRecord, offset: number): void {
  const run = effects.get(record.of.key!)
  if (run === undefined) throw new Malformed(`metadata record type ${record.of.key}`)
  run(delta, record.value as never, offset)
  delta.offset = offset
}

/** Whether a record type is known here; some types have no effect. */
export function isReplayed(key: number): boolean {
  return effects.has(key)
}

/** Record types that change nothing here: transactions are resolved before their records come. */
const withoutEffect = [
  noOpRecord,
  zkMigrationStateRecord,
  beginTransactionRecord,
  endTransactionRecord,
  abortTransactionRecord,
]

/** The effect of each record type on an image. */
const effects: ReadonlyMap<number, Effect> = new Map([
  effect(registerBrokerRecord, (delta, value, offset) => {
    delta.brokersDraft().set(value.brokerId, {
      id: value.brokerId,
      // A broker epoch is the offset of the registration record.
      epoch: value.brokerEpoch === -1 ? offset : value.brokerEpoch,
      registeredAt: offset,
      incarnationId: value.incarnationId,
      fenced: value.fenced,
      inControlledShutdown: value.inControlledShutdown,
      rack: value.rack,
      endpoints: value.endPoints,
      logDirs: sortedDirectories(value.logDirs),
      cordonedLogDirs: value.cordonedLogDirs,
      features: value.features,
      isMigratingZkBroker: value.isMigratingZkBroker,
    })
  }),
  effect(
    unregisterBrokerRecord,
    (delta, value) => void delta.brokersDraft().delete(value.brokerId),
  ),
  effect(topicRecord, (delta, value) => {
    delta.topics.set(value.topicId, { name: value.name, id: value.topicId, partitions: [] })
  }),
  effect(partitionRecord, (delta, value) => {
    delta.draftOf(value.topicId).partitions[value.partitionId] = {
      replicas: value.replicas,
      isr: value.isr,
      removingReplicas: value.removingReplicas,
      addingReplicas: value.addingReplicas,
      eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? [],
      lastKnownElr: value.lastKnownElr ?? [],
      directories: directoriesOf(value.directories, value.replicas),
      leader: value.leader,
      leaderEpoch: value.leaderEpoch,
      partitionEpoch: value.partitionEpoch,
      leaderRecoveryState: value.leaderRecoveryState,
    }
  }),
  effect(configRecord, (delta, value) => {
    if (!isSupportedConfig(value.resourceType, value.name)) return
    const overrides = delta.overridesDraft(configKey(value.resourceType, value.resourceName))
    if (value.value === null) overrides.delete(value.name)
    else overrides.set(value.name, value.value)
  }),
  effect(partitionChangeRecord, replayPartitionChange),
  effect(fenceBrokerRecord, (delta, value) => patchBroker(delta, value.id, { fenced: true })),
  effect(unfenceBrokerRecord, (delta, value) => patchBroker(delta, value.id, { fenced: false })),
  effect(removeTopicRecord, (delta, value) => {
    const { topicId } = value
    const topic = topicById(delta.base, topicId)
    const name = topic?.name ?? delta.topics.get(topicId)?.name
    assert(name !== undefined, `removal of unknown topic id ${topicId}`)
    delta.topics.delete(topicId)
    if (topic !== undefined) delta.deletedTopics.set(topicId, topic)
    delta.overridesDraft(configKey(resourceTypes.topic, name)).clear()
  }),
  effect(userScramCredentialRecord, (delta, value) => {
    const { name: user, ...credential } = value
    delta.scram = delta.scram.set(scramKey(user, value.mechanism), { user, ...credential })
  }),
  effect(removeUserScramCredentialRecord, (delta, value) => {
    delta.scram = delta.scram.delete(scramKey(value.name, value.mechanism))
  }),
  effect(clientQuotaRecord, (delta, { entity, key, value, remove }) => {
    const id = quotaKey(entity)
    const { quotas, quotaLevels } = delta
    const before = quotas.get(id)?.values
    const values = new Map(before)
    if (remove) values.delete(key)
    else values.set(key, value)
    const more = Number(values.has(key)) - Number(before?.has(key) === true)
    const types = entity.map(({ entityType }) => entityType)
    const level = quotaLevel(key, types)
    const count = (quotaLevels.get(level) ?? 0) + more
    delta.quotaLevels = count === 0 ? quotaLevels.delete(level) : quotaLevels.set(level, count)
    delta.quotas = values.size === 0 ? quotas.delete(id) : quotas.set(id, { entity, values })
  }),
  effect(featureLevelRecord, (delta, value) => {
    if (value.featureLevel === 0) delta.featuresDraft().delete(value.name)
    else delta.featuresDraft().set(value.name, value.featureLevel)
  }),
  effect(producerIdsRecord, (delta, value) => {
    delta.nextProducerId = value.nextProducerId
  }),
  // In a registration change -1 and 1 mean no and yes; 0 and null mean unchanged
  effect(brokerRegistrationChangeRecord, (delta, value) => {
    const patch: Record<string, unknown> = {}
    if (value.fenced !== 0) patch.fenced = value.fenced === 1
    if (value.inControlledShutdown !== 0) {
      patch.inControlledShutdown = value.inControlledShutdown === 1
    }
    if (value.logDirs.length > 0) patch.logDirs = sortedDirectories(value.logDirs)
    if (value.cordonedLogDirs !== null) {
      patch.cordonedLogDirs = value.cordonedLogDirs
    }
    patchBroker(delta, value.brokerId, patch)
  }),
  effect(registerControllerRecord, (delta, value) => {
    const {
      controllerId: id,
      endPoints: endpoints,
      incarnationId,
      zkMigrationReady,
      features,
    } = value
    const state = { id, incarnationId, zkMigrationReady, endpoints, features }
    delta.controllersDraft().set(id, state)
  }),
  effect(
    unregisterControllerRecord,
    (delta, value) => void delta.controllersDraft().delete(value.controllerId),
  ),
  effect(delegationTokenRecord, (delta, value) => {
    delta.delegationTokens = delta.delegationTokens.set(value.tokenId, value)
  }),
  effect(removeDelegationTokenRecord, (delta, value) => {
    delta.delegationTokens = delta.delegationTokens.delete(value.tokenId)
  }),
  effect(accessControlEntryRecord, (delta, value) => {
    delta.acls = delta.acls.set(value.id, value)
  }),
  effect(removeAccessControlEntryRecord, (delta, value) => {
    delta.acls = delta.acls.delete(value.id)
  }),
  effect(clearElrRecord, (delta, { topicName }) => {
    for (const { id, partitions } of [...delta.topicsNamed(topicName)]) {
      partitions.forEach((before, i) => {
        const hasElr = before.eligibleLeaderReplicas.length > 0 || before.lastKnownElr.length > 0
        if (!hasElr) return
        delta.draftOf(id).partitions[i] = {
          ...before,
          eligibleLeaderReplicas: [],
          lastKnownElr: [],
          partitionEpoch: before.partitionEpoch + 1,
        }
      })
    }
  }),
  ...withoutEffect.map((of) => effect(of, () => {})),
])

function patchBroker(delta: ImageDelta, id: number, patch: Partial<BrokerState>): void {
  const broker = delta.brokersDraft().get(id)
  if (broker !== undefined) delta.brokersDraft().set(id, { ...broker, ...patch })
}

/** Returns a directory for each replica, also for records that have none. */
function directoriesOf(given: readonly string[], replicas: readonly number[]): readonly string[] {
  return given.length > 0 ? given : replicas.map(() => directoryIds.migrating)
}

/**
 * Replays a PartitionChangeRecord: absent fields are kept; changing or removing the leader raises
 * the leader epoch.
 */
function replayPartitionChange(delta: ImageDelta, value: PartitionChangeRecord): void {
  const { partitions } = delta.draftOf(value.topicId)
  const before = partitions[value.partitionId]
  assert(before !== undefined, `change of unknown partition ${value.topicId}-${value.partitionId}`)
  partitions[value.partitionId] = changed(before, value)
}

/** Returns a partition after a change. */
export function changed(before: PartitionState, value: PartitionChangeRecord): PartitionState {
  const leaderChanges = value.leader !== noLeaderChange
  const recovery = value.leaderRecoveryState
  const replicas = value.replicas ?? before.replicas
  return {
    replicas,
    isr: value.isr ?? before.isr,
    removingReplicas: value.removingReplicas ?? before.removingReplicas,
    addingReplicas: value.addingReplicas ?? before.addingReplicas,
    eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: value.lastKnownElr ?? before.lastKnownElr,
    directories: directoriesOf(value.directories ?? before.directories, replicas),
    leader: leaderChanges ? value.leader : before.leader,
    leaderEpoch: before.leaderEpoch + (leaderChanges ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
    leaderRecoveryState: recovery === noChange ? before.leaderRecoveryState : recovery,
  }
}
