import { assert } from '../base/assert.ts'
import { resourceTypes } from './config/keys.ts'
import type { Overrides } from './config/settings.ts'
import {
  configKey,
  type Image,
  type PartitionState,
  scramKey,
  type TopicState,
  topicById,
} from './image.ts'
import { quotaKey } from './quotas.ts'
import type { MetadataRecord } from './records.ts'

interface TopicDraft {
  readonly name: string
  readonly id: string
  readonly partitions: PartitionState[]
}

/** What the records of a delta did to topics; listeners bring their partitions in step with it. */
export interface TopicChanges {
  /** Created, or with partitions changed. */
  readonly changed: readonly TopicState[]
  readonly deleted: readonly TopicState[]
}

type Replay = (delta: ImageDelta, value: any, offset: number) => void

/** Collects the effect of records on an image; `apply` gives the image after them. */
export class ImageDelta {
  readonly base: Image
  readonly topics = new Map<string, TopicDraft>()
  readonly deletedTopics = new Map<string, TopicState>()
  readonly configs = new Map<string, Map<string, string>>()
  brokers: Map<number, any> | null = null
  controllers: Map<number, any> | null = null
  features: Map<string, number> | null = null
  quotas: Image['quotas']
  scram: Image['scram']
  acls: Image['acls']
  delegationTokens: Image['delegationTokens']
  quorum: Image['quorum']
  nextProducerId: number
  private offset: number

  constructor(base: Image) {
    this.base = base
    this.quotas = base.quotas
    this.scram = base.scram
    this.acls = base.acls
    this.delegationTokens = base.delegationTokens
    this.quorum = base.quorum
    this.nextProducerId = base.nextProducerId
    this.offset = base.offset
  }

  replay(record: MetadataRecord, offset: number): void {
    replays[record.of.key!]?.(this, record.value, offset)
    this.offset = offset
  }

  /** Moves past records that say nothing to the image (control records). */
  skipTo(offset: number): void {
    this.offset = offset
  }

  apply(epoch: number): Image {
    let { topics, topicNames, configs } = this.base
    for (const { name, id } of this.deletedTopics.values()) {
      // A topic of the same name may have been made anew in the same delta.
      if (topics.get(name)?.id === id) topics = topics.delete(name)
      topicNames = topicNames.delete(id)
    }
    for (const draft of this.topics.values()) {
      topics = topics.set(draft.name, draft)
      topicNames = topicNames.set(draft.id, draft.name)
    }
    for (const [key, overrides] of this.configs) {
      configs = overrides.size === 0 ? configs.delete(key) : configs.set(key, overrides)
    }
    return {
      offset: this.offset,
      epoch,
      topics,
      topicNames,
      configs,
      brokers: this.brokers ?? this.base.brokers,
      controllers: this.controllers ?? this.base.controllers,
      features: this.features ?? this.base.features,
      quotas: this.quotas,
      scram: this.scram,
      acls: this.acls,
      delegationTokens: this.delegationTokens,
      quorum: this.quorum,
      nextProducerId: this.nextProducerId,
    }
  }

  changes(): TopicChanges {
    return { changed: [...this.topics.values()], deleted: [...this.deletedTopics.values()] }
  }

  draftOf(topicId: string): TopicDraft {
    let draft = this.topics.get(topicId)
    if (draft === undefined) {
      const topic = topicById(this.base, topicId)
      assert(topic !== undefined, `metadata record of unknown topic id ${topicId}`)
      draft = { name: topic.name, id: topicId, partitions: topic.partitions.slice() }
      this.topics.set(topicId, draft)
    }
    return draft
  }

  overridesDraft(key: string): Map<string, string> {
    let draft = this.configs.get(key)
    if (draft === undefined) {
      draft = new Map(this.base.configs.get(key) as Overrides | undefined)
      this.configs.set(key, draft)
    }
    return draft
  }

  brokersDraft(): Map<number, any> {
    return (this.brokers ??= new Map(this.base.brokers))
  }

  controllersDraft(): Map<number, any> {
    return (this.controllers ??= new Map(this.base.controllers))
  }

  featuresDraft(): Map<string, number> {
    return (this.features ??= new Map(this.base.features))
  }
}

const noChange = -1
const noLeaderChange = -2

/** One line of behaviour a record type; types without a line say nothing to the image yet. */
const replays: Record<number, Replay> = {
  // RegisterBrokerRecord
  0: (delta, value, offset) => {
    delta.brokersDraft().set(value.brokerId, {
      id: value.brokerId,
      // The epoch of a registration is the offset of its record.
      epoch: value.brokerEpoch === -1 ? offset : value.brokerEpoch,
      incarnationId: value.incarnationId,
      fenced: value.fenced,
      inControlledShutdown: value.inControlledShutdown,
      rack: value.rack,
      endpoints: value.endPoints,
      logDirs: value.logDirs ?? [],
      cordonedLogDirs: value.cordonedLogDirs ?? null,
      features: value.features,
      isMigratingZkBroker: value.isMigratingZkBroker ?? false,
    })
  },
  // UnregisterBrokerRecord
  1: (delta, value) => void delta.brokersDraft().delete(value.brokerId),
  // TopicRecord
  2: (delta, value) => {
    delta.topics.set(value.topicId, { name: value.name, id: value.topicId, partitions: [] })
  },
  // PartitionRecord
  3: (delta, value) => {
    delta.draftOf(value.topicId).partitions[value.partitionId] = {
      replicas: value.replicas,
      isr: value.isr,
      removingReplicas: value.removingReplicas,
      addingReplicas: value.addingReplicas,
      eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? [],
      lastKnownElr: value.lastKnownElr ?? [],
      directories: value.directories ?? [],
      leader: value.leader,
      leaderEpoch: value.leaderEpoch,
      partitionEpoch: value.partitionEpoch,
      leaderRecoveryState: value.leaderRecoveryState ?? 0,
    }
  },
  // ConfigRecord
  4: (delta, value) => {
    const overrides = delta.overridesDraft(configKey(value.resourceType, value.resourceName))
    if (value.value === null) overrides.delete(value.name)
    else overrides.set(value.name, value.value)
  },
  5: replayPartitionChange,
  // FenceBrokerRecord, UnfenceBrokerRecord
  7: (delta, value) => patchBroker(delta, value.id, { fenced: true }),
  8: (delta, value) => patchBroker(delta, value.id, { fenced: false }),
  // RemoveTopicRecord
  9: (delta, value) => {
    const { topicId } = value
    const topic = topicById(delta.base, topicId)
    const name = topic?.name ?? delta.topics.get(topicId)?.name
    assert(name !== undefined, `removal of unknown topic id ${topicId}`)
    delta.topics.delete(topicId)
    if (topic !== undefined) delta.deletedTopics.set(topicId, topic)
    delta.overridesDraft(configKey(resourceTypes.topic, name)).clear()
  },
  // UserScramCredentialRecord
  11: (delta, value) => {
    const { name: user, ...credential } = value
    delta.scram = delta.scram.set(scramKey(user, value.mechanism), { user, ...credential })
  },
  // RemoveUserScramCredentialRecord
  22: (delta, value) => {
    delta.scram = delta.scram.delete(scramKey(value.name, value.mechanism))
  },
  // ClientQuotaRecord
  14: (delta, { entity, key, value, remove }) => {
    const id = quotaKey(entity)
    const values = new Map(delta.quotas.get(id)?.values)
    if (remove) values.delete(key)
    else values.set(key, value)
    const { quotas } = delta
    delta.quotas = values.size === 0 ? quotas.delete(id) : quotas.set(id, { entity, values })
  },
  // FeatureLevelRecord
  12: (delta, value) => {
    if (value.featureLevel === 0) delta.featuresDraft().delete(value.name)
    else delta.featuresDraft().set(value.name, value.featureLevel)
  },
  // ProducerIdsRecord
  15: (delta, value) => {
    delta.nextProducerId = value.nextProducerId
  },
  // BrokerRegistrationChangeRecord: -1 and 1 mean "no" and "yes", 0 "as it was", after a null
  17: (delta, value) => {
    const patch: Record<string, unknown> = {}
    if (value.fenced !== 0) patch.fenced = value.fenced === 1
    if (value.inControlledShutdown !== 0) {
      patch.inControlledShutdown = value.inControlledShutdown === 1
    }
    if (value.logDirs !== undefined && value.logDirs.length > 0) patch.logDirs = value.logDirs
    if (value.cordonedLogDirs !== undefined && value.cordonedLogDirs !== null) {
      patch.cordonedLogDirs = value.cordonedLogDirs
    }
    patchBroker(delta, value.brokerId, patch)
  },
  // RegisterControllerRecord
  27: (delta, value) => {
    const {
      controllerId: id,
      endPoints: endpoints,
      incarnationId,
      zkMigrationReady,
      features,
    } = value
    const state = { id, incarnationId, zkMigrationReady, endpoints, features }
    delta.controllersDraft().set(id, state)
  },
  // UnregisterControllerRecord
  29: (delta, value) => void delta.controllersDraft().delete(value.controllerId),
  // DelegationTokenRecord, RemoveDelegationTokenRecord
  10: (delta, value) => {
    delta.delegationTokens = delta.delegationTokens.set(value.tokenId, value)
  },
  26: (delta, value) => {
    delta.delegationTokens = delta.delegationTokens.delete(value.tokenId)
  },
  // AccessControlEntryRecord, RemoveAccessControlEntryRecord
  18: (delta, value) => {
    delta.acls = delta.acls.set(value.id, value)
  },
  19: (delta, value) => {
    delta.acls = delta.acls.delete(value.id)
  },
  // ClearElrRecord: an empty name means every topic (KIP-966)
  28: (delta, { topicName }) => {
    const topics = topicName === '' ? [...delta.base.topics.values()] : []
    const one = delta.base.topics.get(topicName)
    if (one !== undefined) topics.push(one)
    for (const { id } of topics) {
      const { partitions } = delta.draftOf(id)
      partitions.forEach((partition, i) => {
        partitions[i] = { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] }
      })
    }
  },
}

function patchBroker(delta: ImageDelta, id: number, patch: object): void {
  const broker = delta.brokersDraft().get(id)
  if (broker !== undefined) delta.brokersDraft().set(id, { ...broker, ...patch })
}

/** PartitionChangeRecord: what is absent stays; a new leader or none raises the leader epoch. */
function replayPartitionChange(delta: ImageDelta, value: any): void {
  const { partitions } = delta.draftOf(value.topicId)
  const before = partitions[value.partitionId]
  assert(before !== undefined, `change of unknown partition ${value.topicId}-${value.partitionId}`)
  const leaderChanges = value.leader !== undefined && value.leader !== noLeaderChange
  const recovery = value.leaderRecoveryState ?? noChange
  partitions[value.partitionId] = {
    replicas: value.replicas ?? before.replicas,
    isr: value.isr ?? before.isr,
    removingReplicas: value.removingReplicas ?? before.removingReplicas,
    addingReplicas: value.addingReplicas ?? before.addingReplicas,
    eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? before.eligibleLeaderReplicas,
    lastKnownElr: value.lastKnownElr ?? before.lastKnownElr,
    directories: value.directories ?? before.directories,
    leader: leaderChanges ? value.leader : before.leader,
    leaderEpoch: before.leaderEpoch + (leaderChanges ? 1 : 0),
    partitionEpoch: before.partitionEpoch + 1,
    leaderRecoveryState: recovery === noChange ? before.leaderRecoveryState : recovery,
  }
}
