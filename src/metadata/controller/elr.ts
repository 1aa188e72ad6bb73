import { clearElrRecord } from '../../protocol/stored/metadata/28-clear-elr-record.ts'
import { resourceTypes } from '../config/keys.ts'
import type { Image } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import { elrFeature } from './features.ts'

/** The config on which it depends who is eligible. */
export const minInsyncReplicas = 'min.insync.replicas'

/** Whether replicas that have left an ISR stay eligible to lead (KIP-966). */
export function isElrEnabled({ features }: Image): boolean {
  return (features.get(elrFeature) ?? 0) > 0
}

/** Names of configs of resources, as records set them. */
export interface SetConfig {
  readonly resourceType: number
  readonly resourceName: string
  readonly name: string
}

/**
 * Returns records that forget who is eligible, for every change of `min.insync.replicas`: they were
 * chosen by another one. Of all topics if it is not that of a topic.
 */
export function clearElrRecords(image: Image, configs: readonly SetConfig[]): MetadataRecord[] {
  if (!isElrEnabled(image)) return []
  return configs.flatMap(({ resourceType, resourceName, name }) => {
    if (name !== minInsyncReplicas) return []
    const topicName = resourceType === resourceTypes.topic ? resourceName : ''
    return [metadataRecord(clearElrRecord, { topicName })]
  })
}
