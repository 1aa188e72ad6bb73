import { configRecord } from '../../protocol/stored/metadata/04-config-record.ts'
import { featureLevelRecord } from '../../protocol/stored/metadata/12-feature-level-record.ts'
import { producerIdsRecord } from '../../protocol/stored/metadata/15-producer-ids-record.ts'
import { registerControllerRecord } from '../../protocol/stored/metadata/27-register-controller-record.ts'
import { resourceTypes } from '../config/keys.ts'
import type { Endpoint, FeatureRange } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import { fencingRecords, registrationOf } from './broker-life.ts'
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
  readonly features: readonly FeatureRange[]
}): Command<void> {
  return () => ({
    records: [
      metadataRecord(registerControllerRecord, {
        controllerId: options.id,
        incarnationId: options.incarnationId,
        zkMigrationReady: false,
        endPoints: options.endpoints,
        features: options.features,
      }),
    ],
    answer: undefined,
  })
}

/**
 * Fences a broker whose process is known to have ended: the next process that opens its directories
 * need not wait for its session to expire.
 */
export function fenceBroker(brokerId: number): Command<void> {
  return function* (view) {
    const broker = view.image.brokers.get(brokerId)
    const records = broker === undefined ? [] : yield* fencingRecords(view, broker)
    return { records, answer: undefined }
  }
}

/** Number of producer ids per block (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`). */
export const producerIdBlockSize = 1000

/**
 * Returns the first id of a new block; no id is allocated twice.
 * @throws ApiError STALE_BROKER_EPOCH
 */
export function allocateProducerIds(brokerId: number, brokerEpoch: number): Command<number> {
  return ({ image }) => {
    registrationOf(image, brokerId, brokerEpoch)
    const first = image.nextProducerId
    const nextProducerId = first + producerIdBlockSize
    const record = metadataRecord(producerIdsRecord, { brokerId, brokerEpoch, nextProducerId })
    return { records: [record], answer: first }
  }
}
