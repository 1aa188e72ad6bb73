import { type MetadataRecord, metadataRecord } from '../../../src/metadata/records.ts'
import type { Data, Draft, Fields } from '../../../src/protocol/schema.ts'
import { registerBrokerRecord } from '../../../src/protocol/stored/metadata/00-register-broker-record.ts'
import { unregisterBrokerRecord } from '../../../src/protocol/stored/metadata/01-unregister-broker-record.ts'
import { topicRecord } from '../../../src/protocol/stored/metadata/02-topic-record.ts'
import { partitionRecord } from '../../../src/protocol/stored/metadata/03-partition-record.ts'
import { configRecord } from '../../../src/protocol/stored/metadata/04-config-record.ts'
import { partitionChangeRecord } from '../../../src/protocol/stored/metadata/05-partition-change-record.ts'
import { fenceBrokerRecord } from '../../../src/protocol/stored/metadata/07-fence-broker-record.ts'
import { unfenceBrokerRecord } from '../../../src/protocol/stored/metadata/08-unfence-broker-record.ts'
import { removeTopicRecord } from '../../../src/protocol/stored/metadata/09-remove-topic-record.ts'
import { delegationTokenRecord } from '../../../src/protocol/stored/metadata/10-delegation-token-record.ts'
import { userScramCredentialRecord } from '../../../src/protocol/stored/metadata/11-user-scram-credential-record.ts'
import { featureLevelRecord } from '../../../src/protocol/stored/metadata/12-feature-level-record.ts'
import { clientQuotaRecord } from '../../../src/protocol/stored/metadata/14-client-quota-record.ts'
import { producerIdsRecord } from '../../../src/protocol/stored/metadata/15-producer-ids-record.ts'
import { brokerRegistrationChangeRecord } from '../../../src/protocol/stored/metadata/17-broker-registration-change-record.ts'
import { accessControlEntryRecord } from '../../../src/protocol/stored/metadata/18-access-control-entry-record.ts'
import { removeAccessControlEntryRecord } from '../../../src/protocol/stored/metadata/19-remove-access-control-entry-record.ts'
import { noOpRecord } from '../../../src/protocol/stored/metadata/20-no-op-record.ts'
import { removeUserScramCredentialRecord } from '../../../src/protocol/stored/metadata/22-remove-user-scram-credential-record.ts'
import { beginTransactionRecord } from '../../../src/protocol/stored/metadata/23-begin-transaction-record.ts'
import { endTransactionRecord } from '../../../src/protocol/stored/metadata/24-end-transaction-record.ts'
import { abortTransactionRecord } from '../../../src/protocol/stored/metadata/25-abort-transaction-record.ts'
import { removeDelegationTokenRecord } from '../../../src/protocol/stored/metadata/26-remove-delegation-token-record.ts'
import { registerControllerRecord } from '../../../src/protocol/stored/metadata/27-register-controller-record.ts'
import { clearElrRecord } from '../../../src/protocol/stored/metadata/28-clear-elr-record.ts'
import { unregisterControllerRecord } from '../../../src/protocol/stored/metadata/29-unregister-controller-record.ts'
import { seededWords } from '../../seeded.ts'

interface Topic {
  readonly id: string
  readonly name: string
  readonly partitions: { replicas: number[] }[]
}

const nothing = () => ({
  topics: new Map<string, Topic>(),
  /** Their epochs. */
  brokers: new Map<number, number>(),
  controllers: new Set<number>(),
  acls: new Set<string>(),
  tokens: new Set<string>(),
  users: new Map<string, { name: string; mechanism: number }>(),
})

/**
 * Records of all types and versions in an order that a controller might have written. Inside of
 * transactions nothing is removed of which Kafka 4.4.0 makes mistakes: credentials (a later one of
 * the same mechanism is lost) and topics (their new configs stay).
 */
export class RandomRecords {
  readonly #next: () => number
  #now = nothing()
  /** What was before the transaction in progress. */
  #before: ReturnType<typeof nothing> | null = null
  #named = 0
  readonly #kinds: readonly (() => readonly MetadataRecord[])[] = [
    () => this.#topic(),
    () => this.#partition(),
    () => this.#removal(),
    ...Array.from({ length: 5 }, () => () => this.#change()),
    () => [
      metadataRecord(clearElrRecord, {
        topicName: this.#below(3) === 0 ? '' : (this.#some(this.#now.topics)?.name ?? ''),
      }),
    ],
    () => this.#config(),
    () => this.#broker(),
    () => this.#brokerChange(),
    () => this.#controller(),
    () => this.#quota(),
    () => this.#user(),
    () => this.#acl(),
    () => this.#token(),
    () => this.#feature(),
    () => [
      metadataRecord(producerIdsRecord, { brokerId: 1, nextProducerId: this.#below(2 ** 31) }),
    ],
    () => [metadataRecord(noOpRecord, {})],
    () => this.#transaction(),
  ]

  constructor(seed: number) {
    this.#next = seededWords(seed)
  }

  /** Batches of one to six records. */
  batches(count: number): MetadataRecord[][] {
    const all: MetadataRecord[][] = []
    for (let i = 0; i < count; i++) {
      const batch: MetadataRecord[] = []
      for (let more = this.#below(6); more >= 0; more--) {
        batch.push(...this.#one(this.#kinds)())
      }
      if (batch.length > 0) all.push(batch)
    }
    if (this.#before !== null) all.push([this.#end()])
    return all
  }

  #below(limit: number): number {
    return this.#next() % limit
  }

  #one<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!
  }

  #some<T>(from: ReadonlyMap<unknown, T>): T | undefined {
    return from.size === 0 ? undefined : this.#one([...from.values()])
  }

  #uuid(): string {
    return Buffer.from(Array.from({ length: 16 }, () => this.#below(256))).toString('base64url')
  }

  #uuids(count: number): string[] {
    return Array.from({ length: count }, () => this.#uuid())
  }

  #ids(most: number): number[] {
    const count = this.#below(most + 1)
    return [...new Set(Array.from({ length: count }, () => 1 + this.#below(6)))]
  }

  #versioned<F extends Fields>(of: Data<F>, value: Draft<F>, least = of.versions[0]) {
    return metadataRecord(of, value, least + this.#below(of.versions[1] - least + 1))
  }

  #topic(): MetadataRecord[] {
    const topic = { id: this.#uuid(), name: `t${this.#named++}`, partitions: [] }
    this.#now.topics.set(topic.id, topic)
    return [metadataRecord(topicRecord, { name: topic.name, topicId: topic.id })]
  }

  #partition(): MetadataRecord[] {
    const topic = this.#some(this.#now.topics)
    if (topic === undefined) return []
    const replicas = [...new Set([1, ...this.#ids(3)])]
    topic.partitions.push({ replicas })
    return [
      this.#versioned(partitionRecord, {
        ...{ partitionId: topic.partitions.length - 1, topicId: topic.id, replicas },
        ...{ isr: [1], removingReplicas: this.#ids(1), addingReplicas: this.#ids(1), leader: 1 },
        ...{ leaderEpoch: this.#below(9), partitionEpoch: this.#below(9) },
        ...{ leaderRecoveryState: this.#below(2), directories: this.#uuids(replicas.length) },
        eligibleLeaderReplicas: this.#one([null, this.#ids(2)]),
        lastKnownElr: this.#one([null, this.#ids(2)]),
      }),
    ]
  }

  #removal(): MetadataRecord[] {
    const topic = this.#some(this.#now.topics)
    if (topic === undefined || this.#below(3) > 0 || this.#before !== null) return []
    this.#now.topics.delete(topic.id)
    return [metadataRecord(removeTopicRecord, { topicId: topic.id })]
  }

  #change(): MetadataRecord[] {
    const topic = this.#some(this.#now.topics)
    if (topic === undefined || topic.partitions.length === 0) return []
    const partitionId = this.#below(topic.partitions.length)
    const partition = topic.partitions[partitionId]!
    const maybe = <T>(value: T) => this.#one([null, value])
    const replicas = this.#below(3) === 0 ? [...new Set([1, ...this.#ids(3)])] : null
    if (replicas !== null) partition.replicas = replicas
    const directories = this.#uuids(partition.replicas.length)
    // Other replicas need directories, which the oldest version does not have.
    const value = {
      ...{ partitionId, topicId: topic.id, replicas, isr: maybe(this.#ids(3)) },
      leader: this.#one([-2, -1, 1, 2]),
      ...{ removingReplicas: maybe(this.#ids(1)), addingReplicas: maybe(this.#ids(2)) },
      leaderRecoveryState: this.#one([-1, 0, 1]),
      ...{ eligibleLeaderReplicas: maybe(this.#ids(2)), lastKnownElr: maybe(this.#ids(2)) },
      directories: replicas === null ? maybe(directories) : directories,
    }
    return [this.#versioned(partitionChangeRecord, value, replicas === null ? 0 : 1)]
  }

  #config(): MetadataRecord[] {
    const topic = this.#some(this.#now.topics)?.name ?? 'none'
    const [resourceType, resourceName, ...names] = this.#one([
      [2, topic, 'retention.ms', 'segment.ms', 'cleanup.policy', 'message.format.version'],
      [4, '', 'log.retention.ms', 'min.insync.replicas', 'anything.else'],
      [4, '1', 'log.retention.ms', 'unknown'],
      [8, '1', 'kafka.server'],
      [16, 'metrics', 'interval.ms', 'unknown'],
      [32, 'group', 'consumer.session.timeout.ms', 'unknown'],
    ] as const)
    const value = this.#one([null, String(this.#below(100)), ''])
    return [
      metadataRecord(configRecord, {
        ...{ resourceType, resourceName, name: this.#one(names as readonly string[]), value },
      }),
    ]
  }

  #endPoints() {
    return ['A', 'B'].slice(this.#below(2)).map((name, securityProtocol) => ({
      ...{ name, host: `h${this.#below(9)}`, port: this.#below(65536), securityProtocol },
    }))
  }

  #features() {
    const maxSupportedVersion = this.#below(4)
    return [{ name: 'group.version', minSupportedVersion: 0, maxSupportedVersion }]
  }

  #broker(): MetadataRecord[] {
    const brokerId = 1 + this.#below(6)
    if (this.#now.brokers.has(brokerId) && this.#below(3) === 0) {
      this.#now.brokers.delete(brokerId)
      return [metadataRecord(unregisterBrokerRecord, { brokerId, brokerEpoch: 1 })]
    }
    const brokerEpoch = this.#below(100)
    this.#now.brokers.set(brokerId, brokerEpoch)
    const logDirs = this.#uuids(1 + this.#below(2))
    return [
      this.#versioned(registerBrokerRecord, {
        ...{ brokerId, brokerEpoch, incarnationId: this.#uuid(), endPoints: this.#endPoints() },
        ...{ features: this.#features(), rack: this.#one([null, 'r']), logDirs },
        ...{ fenced: this.#below(2) === 0, inControlledShutdown: this.#below(2) === 0 },
        ...{ isMigratingZkBroker: false, cordonedLogDirs: this.#one([null, [], logDirs]) },
      }),
    ]
  }

  #brokerChange(): MetadataRecord[] {
    if (this.#now.brokers.size === 0) return []
    const [brokerId, brokerEpoch] = this.#one([...this.#now.brokers])
    const one = { id: brokerId, epoch: brokerEpoch }
    return this.#one([
      [metadataRecord(fenceBrokerRecord, one)],
      [metadataRecord(unfenceBrokerRecord, one)],
      [
        this.#versioned(brokerRegistrationChangeRecord, {
          ...{ brokerId, brokerEpoch, fenced: this.#one([-1, 0, 1]) },
          ...{ inControlledShutdown: this.#one([0, 1]), logDirs: this.#uuids(this.#below(2)) },
          cordonedLogDirs: this.#one([null, [], this.#uuids(1)]),
        }),
      ],
    ])
  }

  #controller(): MetadataRecord[] {
    const controllerId = 3000 + this.#below(3)
    if (this.#now.controllers.has(controllerId) && this.#below(3) === 0) {
      this.#now.controllers.delete(controllerId)
      return [metadataRecord(unregisterControllerRecord, { controllerId })]
    }
    this.#now.controllers.add(controllerId)
    return [
      metadataRecord(registerControllerRecord, {
        ...{ controllerId, incarnationId: this.#uuid(), zkMigrationReady: this.#below(2) === 0 },
        ...{ endPoints: this.#endPoints(), features: this.#features() },
      }),
    ]
  }

  #quota(): MetadataRecord[] {
    const entityName = this.#one([null, 'x', 'y'])
    const entity = this.#one([['user'], ['client-id'], ['user', 'client-id'], ['ip']]).map(
      (entityType) => ({ entityType, entityName }),
    )
    const key = this.#one(['producer_byte_rate', 'request_percentage'])
    return [
      metadataRecord(clientQuotaRecord, {
        ...{ entity, key, value: this.#below(1000) + 0.5, remove: this.#below(3) === 0 },
      }),
    ]
  }

  #user(): MetadataRecord[] {
    const old = this.#some(this.#now.users)
    if (old !== undefined && this.#below(3) === 0 && this.#before === null) {
      this.#now.users.delete(`${old.mechanism}${old.name}`)
      return [metadataRecord(removeUserScramCredentialRecord, old)]
    }
    const one = { name: this.#one(['alice', 'bob']), mechanism: 1 + this.#below(2) }
    this.#now.users.set(`${one.mechanism}${one.name}`, one)
    const key = () => Buffer.from(this.#uuid())
    const keys = { salt: key(), storedKey: key(), serverKey: key() }
    return [metadataRecord(userScramCredentialRecord, { ...one, ...keys, iterations: 4096 })]
  }

  #acl(): MetadataRecord[] {
    const [old] = this.#now.acls
    if (old !== undefined && this.#below(3) === 0) {
      this.#now.acls.delete(old)
      return [metadataRecord(removeAccessControlEntryRecord, { id: old })]
    }
    const id = this.#uuid()
    this.#now.acls.add(id)
    return [
      metadataRecord(accessControlEntryRecord, {
        ...{ id, resourceType: 2 + this.#below(6), resourceName: this.#one(['r', '*']) },
        ...{ patternType: 3 + this.#below(2), principal: 'User:a:b', host: this.#one(['*', 'h']) },
        ...{ operation: 2 + this.#below(14), permissionType: 2 + this.#below(2) },
      }),
    ]
  }

  #token(): MetadataRecord[] {
    const [old] = this.#now.tokens
    if (old !== undefined && this.#below(3) === 0) {
      this.#now.tokens.delete(old)
      return [metadataRecord(removeDelegationTokenRecord, { tokenId: old })]
    }
    const tokenId = this.#one([...this.#now.tokens, this.#uuid()])
    this.#now.tokens.add(tokenId)
    return [
      metadataRecord(delegationTokenRecord, {
        ...{ tokenId, owner: 'User:o', requester: 'User:r', renewers: ['User:a', 'User:b:c'] },
        ...{ issueTimestamp: 1, maxTimestamp: 2 ** 40, expirationTimestamp: this.#below(2 ** 31) },
      }),
    ]
  }

  #feature(): MetadataRecord[] {
    const name = this.#one(['group.version', 'transaction.version', 'share.version'])
    return [metadataRecord(featureLevelRecord, { name, featureLevel: this.#below(3) })]
  }

  #transaction(): MetadataRecord[] {
    if (this.#before !== null) return [this.#end()]
    this.#before = structuredClone(this.#now)
    return [metadataRecord(beginTransactionRecord, { name: 'a test' })]
  }

  #end(): MetadataRecord {
    const isKept = this.#below(2) === 0
    if (!isKept) this.#now = this.#before!
    this.#before = null
    if (isKept) return metadataRecord(endTransactionRecord, {})
    return metadataRecord(abortTransactionRecord, { reason: 'a test' })
  }
}
