import { PersistentMap } from '../base/persistent-map.ts'
import type { DelegationTokenRecord } from '../protocol/stored/metadata/10-delegation-token-record.ts'
import type { AccessControlEntryRecord } from '../protocol/stored/metadata/18-access-control-entry-record.ts'
import type { VotersRecord } from '../protocol/stored/raft/voters-record.ts'
import type { Overrides } from './config/settings.ts'
import { isOnlineDirectory } from './directories.ts'
import type { QuotaState } from './quotas.ts'

/** A replica set and its leader, as the controller last decided. */
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
  readonly incarnationId: string
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly rack: string | null
  readonly endpoints: readonly Endpoint[]
  readonly logDirs: readonly string[]
  /** Directories that take no new replicas; null where the registration says nothing of them. */
  readonly cordonedLogDirs: readonly string[] | null
  readonly features: readonly FeatureRange[]
  readonly isMigratingZkBroker: boolean
}

/** What a node can work at. */
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

/** Who votes on the metadata log, as the log itself says; nothing with static voters (KIP-853). */
export interface QuorumMembers {
  /** The level of the feature `kraft.version`. */
  readonly kraftVersion: number
  readonly voters: VotersRecord['voters']
}

/** A user's credential of one mechanism, without anything that a password could be had from. */
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
 * What the cluster is at one offset of the metadata log. Immutable: whoever holds one sees one
 * moment. Only `ImageDelta` makes a new one, from records.
 */
export interface Image {
  /** The offset of the last record it holds; -1 before the first. */
  readonly offset: number
  readonly epoch: number
  readonly topics: PersistentMap<TopicState>
  readonly topicNames: PersistentMap<string>
  /** Overrides of a resource, keyed by `configKey`. */
  readonly configs: PersistentMap<Overrides>
  readonly brokers: ReadonlyMap<number, BrokerState>
  readonly controllers: ReadonlyMap<number, ControllerState>
  readonly features: ReadonlyMap<string, number>
  /** By `quotaKey`. */
  readonly quotas: PersistentMap<QuotaState>
  /** By `scramKey`. */
  readonly scram: PersistentMap<ScramState>
  /** Access control entries, kept as they were written, by their id. */
  readonly acls: PersistentMap<AccessControlEntryRecord>
  /** Delegation tokens, kept as they were written, by token id. */
  readonly delegationTokens: PersistentMap<DelegationTokenRecord>
  readonly quorum: QuorumMembers
  /** The first producer id that no block has been given. */
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

export function topicById(image: Image, id: string): TopicState | undefined {
  const name = image.topicNames.get(id)
  return name === undefined ? undefined : image.topics.get(name)
}

/** Replicas on brokers that do not serve, or in directories that have failed. */
export function offlineReplicas({ replicas, directories }: PartitionState, image: Image): number[] {
  return replicas.filter((id, i) => {
    const broker = image.brokers.get(id)
    return broker?.fenced !== false || !isOnlineDirectory(directories[i], broker.logDirs)
  })
}
