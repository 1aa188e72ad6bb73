import { PersistentMap } from '../base/persistent-map.ts'
import type { DelegationTokenRecord } from '../protocol/stored/metadata/10-delegation-token-record.ts'
import type { AccessControlEntryRecord } from '../protocol/stored/metadata/18-access-control-entry-record.ts'
import type { VotersRecord } from '../protocol/stored/raft/voters-record.ts'
import { resourceTypes } from './config/keys.ts'
import type { DynamicConfigs, Overrides } from './config/settings.ts'
import { isOnlineDirectory } from './directories.ts'
import type { QuotaState } from './quotas.ts'

/** A partition's replicas and leader, as the controller last decided. */
export interface PartitionState {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
  /** A directory id for each replica (KIP-858). */
  readonly directories: readonly string[]
  /** The broker id, or -1 for none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly leaderRecoveryState: number
}

export interface TopicState {
  readonly name: string
  readonly id: string
  readonly partitions: readonly PartitionState[]
}

export interface Endpoint {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: number
}

export interface BrokerState {
  readonly id: number
  readonly epoch: number
  /** The offset of its registration record, or one behind it. */
  readonly registeredAt: number
  readonly incarnationId: string
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly rack: string | null
  readonly endpoints: readonly Endpoint[]
  readonly logDirs: readonly string[]
  /** Directories that take no new replicas; null if not in the registration. */
  readonly cordonedLogDirs: readonly string[] | null
  readonly features: readonly FeatureRange[]
  readonly isMigratingZkBroker: boolean
}

/** Levels of a feature that a node supports. */
export interface FeatureRange {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export interface ControllerState {
  readonly id: number
  readonly incarnationId: string
  readonly zkMigrationReady: boolean
  readonly endpoints: readonly Endpoint[]
  readonly features: readonly FeatureRange[]
}

/** The voters of the metadata log, from its control records; empty with static voters (KIP-853). */
export interface QuorumMembers {
  /** The level of the feature `kraft.version`. */
  readonly kraftVersion: number
  readonly voters: VotersRecord['voters']
}

/** A user's credential of one mechanism, from which the password cannot be recovered. */
export interface ScramState {
  readonly user: string
  readonly mechanism: number
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export function scramKey(user: string, mechanism: number): string {
  return `${mechanism}:${user}`
}

/**
 * The state of the cluster at one offset of the metadata log. Immutable; only `ImageDelta` makes a
 * new one, from records.
 */
export interface Image {
  /** Offset of the last record it contains; -1 before the first. */
  readonly offset: number
  readonly epoch: number
  readonly topics: PersistentMap<TopicState>
  readonly topicNames: PersistentMap<string>
  /** Overrides of each resource, by `configKey`. */
  readonly configs: PersistentMap<Overrides>
  readonly brokers: ReadonlyMap<number, BrokerState>
  readonly controllers: ReadonlyMap<number, ControllerState>
  readonly features: ReadonlyMap<string, number>
  /** By `quotaKey`. */
  readonly quotas: PersistentMap<QuotaState>
  /** How many entities have a quota, by `quotaLevel`. */
  readonly quotaLevels: PersistentMap<number>
  /** By `scramKey`. */
  readonly scram: PersistentMap<ScramState>
  /** Access control entries as written, by id. */
  readonly acls: PersistentMap<AccessControlEntryRecord>
  /** Delegation tokens as written, by token id. */
  readonly delegationTokens: PersistentMap<DelegationTokenRecord>
  readonly quorum: QuorumMembers
  /** The first producer id outside all allocated blocks. */
  readonly nextProducerId: number
}

export const emptyImage: Image = {
  offset: -1,
  epoch: 0,
  topics: PersistentMap.empty(),
  topicNames: PersistentMap.empty(),
  configs: PersistentMap.empty(),
  brokers: new Map(),
  controllers: new Map(),
  features: new Map(),
  quotas: PersistentMap.empty(),
  quotaLevels: PersistentMap.empty(),
  scram: PersistentMap.empty(),
  acls: PersistentMap.empty(),
  delegationTokens: PersistentMap.empty(),
  quorum: { kraftVersion: 0, voters: [] },
  nextProducerId: 0,
}

/** `type` is a code of `resourceTypes`. */
export function configKey(type: number, name: string): string {
  return `${type}:${name}`
}

const noOverrides: Overrides = new Map()

export function overridesOf(image: Image, type: number, name: string): Overrides {
  return image.configs.get(configKey(type, name)) ?? noOverrides
}

/** Returns the dynamic configs of a node, from the newest image. */
export function dynamicConfigsOf(newest: () => Image, nodeId: number): DynamicConfigs {
  const own = String(nodeId)
  return {
    cluster: () => overridesOf(newest(), resourceTypes.broker, ''),
    broker: () => overridesOf(newest(), resourceTypes.broker, own),
  }
}

export function topicById(image: Image, id: string): TopicState | undefined {
  const name = image.topicNames.get(id)
  return name === undefined ? undefined : image.topics.get(name)
}

/** Whether a broker is registered, unfenced, and not on its way out. */
export function isActive({ brokers }: Image, id: number): boolean {
  const broker = brokers.get(id)
  return broker !== undefined && !broker.fenced && !broker.inControlledShutdown
}

/** Returns the replicas on fenced brokers or in failed directories. */
export function offlineReplicas({ replicas, directories }: PartitionState, image: Image): number[] {
  return replicas.filter((id, i) => {
    const broker = image.brokers.get(id)
    return broker?.fenced !== false || !isOnlineDirectory(directories[i], broker.logDirs)
  })
}
