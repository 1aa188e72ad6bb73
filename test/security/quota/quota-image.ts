import { ImageDelta } from '../../../src/metadata/delta.ts'
import { emptyImage, type Image } from '../../../src/metadata/image.ts'
import { metadataRecord } from '../../../src/metadata/records.ts'
import { replayRecord } from '../../../src/metadata/replay-records.ts'
import { clientQuotaRecord } from '../../../src/protocol/stored/metadata/14-client-quota-record.ts'

/** An entity by the types of its parts; null is the default of a type. */
export interface QuotaEntity {
  readonly user?: string | null
  readonly 'client-id'?: string | null
  readonly ip?: string | null
}

/** An image after a quota has been set, or removed (null). */
export function withQuota(
  image: Image,
  entity: QuotaEntity,
  key: string,
  value: number | null,
): Image {
  const delta = new ImageDelta(image)
  const parts = Object.entries(entity).map(([entityType, entityName]) => ({
    entityType,
    entityName: entityName as string | null,
  }))
  const set = { entity: parts, key, value: value ?? 0, remove: value === null }
  replayRecord(delta, metadataRecord(clientQuotaRecord, set), image.offset + 1)
  return delta.apply(image.epoch)
}

/** An image with these quotas of one kind. */
export function imageWith(key: string, ...quotas: readonly [QuotaEntity, number][]): Image {
  return quotas.reduce((image, [entity, value]) => withQuota(image, entity, key, value), emptyImage)
}
