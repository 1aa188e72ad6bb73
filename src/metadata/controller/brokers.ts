import { registerBrokerRecord } from '../../protocol/stored/metadata/00-register-broker-record.ts'
import { configRecord } from '../../protocol/stored/metadata/04-config-record.ts'
import { partitionChangeRecord } from '../../protocol/stored/metadata/05-partition-change-record.ts'
import { featureLevelRecord } from '../../protocol/stored/metadata/12-feature-level-record.ts'
import { producerIdsRecord } from '../../protocol/stored/metadata/15-producer-ids-record.ts'
import { brokerRegistrationChangeRecord } from '../../protocol/stored/metadata/17-broker-registration-change-record.ts'
import { registerControllerRecord } from '../../protocol/stored/metadata/27-register-controller-record.ts'
import { resourceTypes } from '../config/keys.ts'
import { isOnlineDirectory } from '../directories.ts'
import type { Endpoint, Image } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command } from './controller.ts'
import {
  elrFeature,
  initialFeatureLevels,
  newestMetadataVersion,
  supportedFeatures,
} from './features.ts'

/** The feature levels that a node of this release supports, as it registers them. */
export const nodeFeatures = supportedFeatures.map(({ name, min, max }) => ({
  name,
  minSupportedVersion: min,
  maxSupportedVersion: max,
}))

/**
 * Writes the first records of a new cluster: those it was formatted with, or the initial feature
 * levels of this release; and min.insync.replicas, which with eligible leader replicas is a
 * cluster-wide config (KIP-966).
 */
export function bootstrap(
  formatted: readonly MetadataRecord[],
  minInsyncReplicas: string,
): Command<void> {
  const given =
    formatted.length > 0 ? formatted : featureRecords(initialFeatureLevels(newestMetadataVersion))
  const hasElr = given.some(
    ({ of, value }) =>
      of === featureLevelRecord && value.name === elrFeature && Number(value.featureLevel) > 0,
  )
  const minInsync = metadataRecord(configRecord, {
    resourceType: resourceTypes.broker,
    resourceName: '',
    name: 'min.insync.replicas',
    value: minInsyncReplicas,
  })
  return () => ({ records: [...given, ...(hasElr ? [minInsync] : [])], answer: undefined })
}

export function featureRecords(levels: ReadonlyMap<string, number>): MetadataRecord[] {
  return [...levels].map(([name, featureLevel]) =>
    metadataRecord(featureLevelRecord, { name, featureLevel }),
  )
}

export function registerController(options: {
  readonly id: number
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
}): Command<void> {
  return () => ({
    records: [
      metadataRecord(registerControllerRecord, {
        controllerId: options.id,
        incarnationId: options.incarnationId,
        zkMigrationReady: false,
        endPoints: options.endpoints,
        features: nodeFeatures,
      }),
    ],
    answer: undefined,
  })
}

/** Registers a broker, fenced. Returns its epoch: the offset of the record (KIP-631). */
export function registerBroker(options: {
  readonly id: number
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  readonly logDirs: readonly string[]
}): Command<number> {
  return ({ nextOffset }) => ({
    records: [
      metadataRecord(registerBrokerRecord, {
        brokerId: options.id,
        isMigratingZkBroker: false,
        incarnationId: options.incarnationId,
        brokerEpoch: nextOffset,
        endPoints: options.endpoints,
        features: nodeFeatures,
        rack: options.rack,
        fenced: true,
        inControlledShutdown: false,
        logDirs: options.logDirs,
      }),
    ],
    answer: nextOffset,
  })
}

/**
 * Unfences a registered broker. It becomes leader again of every partition it leads, and of those
 * without a leader that it may lead. The leader epoch rises, to tell records lost by a restart from
 * those before it.
 */
export function unfenceBroker(brokerId: number): Command<void> {
  return ({ image }) => {
    const records: MetadataRecord[] = [
      metadataRecord(
        brokerRegistrationChangeRecord,
        { brokerId, brokerEpoch: image.brokers.get(brokerId)!.epoch, fenced: -1 },
        0,
      ),
    ]
    for (const topic of image.topics.values()) {
      topic.partitions.forEach((partition, partitionId) => {
        const { leader, isr, eligibleLeaderReplicas, lastKnownElr } = partition
        const directory = partition.directories[partition.replicas.indexOf(brokerId)]
        if (!isOnlineDirectory(directory, image.brokers.get(brokerId)!.logDirs)) return
        // The last leader is elected again if no other replica is left, as after a lost directory.
        const candidates = [...isr, ...eligibleLeaderReplicas]
        const mayLead = (candidates.length > 0 ? candidates : lastKnownElr).includes(brokerId)
        if (leader !== brokerId && !(leader === -1 && mayLead)) return
        records.push(
          metadataRecord(partitionChangeRecord, {
            partitionId,
            topicId: topic.id,
            leader: brokerId,
            ...(isr.includes(brokerId) ? {} : { isr: [...isr, brokerId] }),
            ...(eligibleLeaderReplicas.length > 0 ? { eligibleLeaderReplicas: [] } : {}),
            ...(lastKnownElr.length > 0 ? { lastKnownElr: [] } : {}),
          }),
        )
      })
    }
    return { records, answer: undefined }
  }
}

/**
 * Fences a broker like Kafka's controlled shutdown: its partitions have no leader, but the broker
 * stays eligible (KIP-966). The next process that opens the directory need not wait for its session
 * to expire.
 */
export function fenceBroker(brokerId: number): Command<void> {
  return ({ image }) => {
    const broker = image.brokers.get(brokerId)
    if (broker === undefined) return { records: [], answer: undefined }
    const records = leaderless(image, brokerId)
    const { epoch: brokerEpoch } = broker
    records.push(
      metadataRecord(brokerRegistrationChangeRecord, { brokerId, brokerEpoch, fenced: 1 }, 0),
    )
    return { records, answer: undefined }
  }
}

/** Returns records that leave partitions with only this replica without a leader, but eligible. */
export function leaderless(image: Image, brokerId: number): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const topic of image.topics.values()) {
    topic.partitions.forEach(({ leader, isr }, partitionId) => {
      if (leader !== brokerId || isr.length > 1) return
      records.push(
        metadataRecord(partitionChangeRecord, {
          partitionId,
          topicId: topic.id,
          isr: [],
          leader: -1,
          eligibleLeaderReplicas: [brokerId],
          lastKnownElr: [brokerId],
        }),
      )
    })
  }
  return records
}

/** Number of producer ids per block (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`). */
export const producerIdBlockSize = 1000

/** Returns the first id of a new block; no id is allocated twice. */
export function allocateProducerIds(brokerId: number): Command<number> {
  return ({ image }) => {
    const first = image.nextProducerId
    return {
      records: [
        metadataRecord(producerIdsRecord, {
          brokerId,
          brokerEpoch: image.brokers.get(brokerId)?.epoch ?? -1,
          nextProducerId: first + producerIdBlockSize,
        }),
      ],
      answer: first,
    }
  }
}
