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

const features = supportedFeatures.map(({ name, min, max }) => ({
  name,
  minSupportedVersion: min,
  maxSupportedVersion: max,
}))

/**
 * The first records of a new cluster: what it was formatted with, or the feature levels that this
 * release starts with; and the number of in-sync replicas, which with eligible leader replicas is one
 * for the whole cluster (KIP-966).
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

export function registerController(o: {
  readonly id: number
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
}): Command<void> {
  return () => ({
    records: [
      metadataRecord(registerControllerRecord, {
        controllerId: o.id,
        incarnationId: o.incarnationId,
        zkMigrationReady: false,
        endPoints: o.endpoints,
        features,
      }),
    ],
    answer: undefined,
  })
}

/** Enters a broker, fenced. Answers its epoch: the offset of the record (KIP-631). */
export function registerBroker(o: {
  readonly id: number
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  readonly logDirs: readonly string[]
}): Command<number> {
  return ({ nextOffset }) => ({
    records: [
      metadataRecord(registerBrokerRecord, {
        brokerId: o.id,
        isMigratingZkBroker: false,
        incarnationId: o.incarnationId,
        brokerEpoch: nextOffset,
        endPoints: o.endpoints,
        features,
        rack: o.rack,
        fenced: true,
        inControlledShutdown: false,
        logDirs: o.logDirs,
      }),
    ],
    answer: nextOffset,
  })
}

/**
 * Lets a registered broker serve. It becomes the leader anew of every partition that is led by it,
 * or by nobody while it may lead: what a restart lost must be told from what came before, so the
 * leader epoch rises.
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
        // Who led last comes again when nobody else is left, as from a directory that was lost.
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
 * Takes a broker out of service in order, as Kafka's controlled shutdown does: its partitions are left
 * without a leader but eligible (KIP-966), its registration is fenced. Whoever opens the directory next
 * need not wait for its session to run out.
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

/** What a broker alone holds is left without a leader, but with one that may lead again. */
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

/** How many producer ids a broker gets at once (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`). */
export const producerIdBlockSize = 1000

/** Answers the first id of a block that nobody else is given, ever. */
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
