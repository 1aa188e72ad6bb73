import { registerBrokerRecord } from '../protocol/stored/metadata/00-register-broker-record.ts'
import { topicRecord } from '../protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../protocol/stored/metadata/03-partition-record.ts'
import { configRecord } from '../protocol/stored/metadata/04-config-record.ts'
import { delegationTokenRecord } from '../protocol/stored/metadata/10-delegation-token-record.ts'
import { userScramCredentialRecord } from '../protocol/stored/metadata/11-user-scram-credential-record.ts'
import { featureLevelRecord } from '../protocol/stored/metadata/12-feature-level-record.ts'
import { clientQuotaRecord } from '../protocol/stored/metadata/14-client-quota-record.ts'
import { producerIdsRecord } from '../protocol/stored/metadata/15-producer-ids-record.ts'
import { accessControlEntryRecord } from '../protocol/stored/metadata/18-access-control-entry-record.ts'
import { registerControllerRecord } from '../protocol/stored/metadata/27-register-controller-record.ts'
import { metadataVersionFeature } from './controller/features.ts'
import type { BrokerState, Image, TopicState } from './image.ts'
import { type MetadataRecord, metadataRecord } from './records.ts'

/**
 * Returns the records that build an image from nothing, in the order of Kafka's `ImageWriter`s: the
 * contents of a snapshot. Lazy, so that an image of many topics need not be in memory twice.
 */
export function* imageRecords(image: Image): Generator<MetadataRecord> {
  const { features } = image
  // The interpretation of later records depends on metadata.version, so it comes first.
  const named = [...features].sort(([a], [b]) => rank(a) - rank(b))
  for (const [name, featureLevel] of named) {
    yield metadataRecord(featureLevelRecord, { name, featureLevel })
  }
  for (const broker of image.brokers.values()) yield brokerRecord(broker)
  for (const controller of image.controllers.values()) {
    const { id, incarnationId, zkMigrationReady, endpoints, features: own } = controller
    yield metadataRecord(registerControllerRecord, {
      controllerId: id,
      incarnationId,
      zkMigrationReady,
      endPoints: endpoints,
      features: own,
    })
  }
  for (const topic of image.topics.values()) yield* topicRecords(topic)
  for (const [key, overrides] of image.configs) {
    const at = key.indexOf(':')
    const [resourceType, resourceName] = [Number(key.slice(0, at)), key.slice(at + 1)]
    for (const [name, value] of overrides) {
      yield metadataRecord(configRecord, { resourceType, resourceName, name, value })
    }
  }
  for (const { entity, values } of image.quotas.values()) {
    for (const [key, value] of values) {
      yield metadataRecord(clientQuotaRecord, { entity, key, value, remove: false })
    }
  }
  if (image.nextProducerId > 0) {
    const nobody = { brokerId: -1, brokerEpoch: -1 }
    yield metadataRecord(producerIdsRecord, { ...nobody, nextProducerId: image.nextProducerId })
  }
  for (const acl of image.acls.values()) yield metadataRecord(accessControlEntryRecord, acl)
  for (const { user: name, ...credential } of image.scram.values()) {
    yield metadataRecord(userScramCredentialRecord, { name, ...credential })
  }
  for (const token of image.delegationTokens.values()) {
    yield metadataRecord(delegationTokenRecord, token)
  }
}

const rank = (name: string) => (name === metadataVersionFeature ? 0 : 1)

function brokerRecord(broker: BrokerState): MetadataRecord {
  const { id, epoch, endpoints, registeredAt: _, cordonedLogDirs, ...same } = broker
  return metadataRecord(registerBrokerRecord, {
    ...same,
    brokerId: id,
    brokerEpoch: epoch,
    endPoints: endpoints,
    ...(cordonedLogDirs === null ? {} : { cordonedLogDirs }),
  })
}

function* topicRecords({ name, id: topicId, partitions }: TopicState): Generator<MetadataRecord> {
  yield metadataRecord(topicRecord, { name, topicId })
  for (const [partitionId, partition] of partitions.entries()) {
    const { eligibleLeaderReplicas, lastKnownElr, ...same } = partition
    yield metadataRecord(partitionRecord, {
      ...same,
      partitionId,
      topicId,
      ...(eligibleLeaderReplicas.length > 0 ? { eligibleLeaderReplicas } : {}),
      ...(lastKnownElr.length > 0 ? { lastKnownElr } : {}),
    })
  }
}
