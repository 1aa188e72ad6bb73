import { javaHashMapOrder } from '../../base/java-hash.ts'
import { ApiError } from '../../protocol/errors.ts'
import { configRecord } from '../../protocol/stored/metadata/04-config-record.ts'
import { parseConfig } from '../config/definition.ts'
import { resourceTypes, topicKeys } from '../config/keys.ts'
import { type BrokerSettings, type Overrides, topicValue } from '../config/settings.ts'
import type { Image } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import { clearElrRecords } from './elr.ts'

/**
 * Checks a topic's overrides like Kafka's `LogConfig.validate`.
 * @throws ApiError INVALID_CONFIG naming the key.
 */
export function validateTopicConfigs(overrides: Overrides, settings: BrokerSettings): void {
  for (const [name, text] of overrides) {
    const definition = topicKeys.get(name)
    if (definition === undefined) {
      throw new ApiError('INVALID_CONFIG', `Unknown topic config name: ${name}`)
    }
    const value = parseConfig(definition, text)
    if (name.endsWith('.replication.throttled.replicas')) checkThrottled(name, value as string[])
  }
  if (
    topicValue('remote.storage.enable', overrides, settings) === true &&
    settings.text('remote.log.storage.system.enable') !== 'true'
  ) {
    throw new ApiError(
      'INVALID_CONFIG',
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
  }
  const minLag = topicValue('min.compaction.lag.ms', overrides, settings) as number
  const maxLag = topicValue('max.compaction.lag.ms', overrides, settings) as number
  if (minLag > maxLag) {
    throw new ApiError(
      'INVALID_CONFIG',
      `conflict topic config setting min.compaction.lag.ms (${minLag}) > ` +
        `max.compaction.lag.ms (${maxLag})`,
    )
  }
}

/** Checks like `ThrottledReplicaListValidator`: `*`, or pairs of partition and broker. */
function checkThrottled(name: string, replicas: readonly string[]): void {
  const isAll = replicas.length === 1 && replicas[0] === '*'
  if (isAll || replicas.every((one) => /^\d+:\d+$/.test(one))) return
  throw new ApiError(
    'INVALID_CONFIG',
    `Invalid value [${replicas.join(', ')}] for configuration ${name}: ${name} must be the literal ` +
      "'*' or a list of replicas in the following format: " +
      '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
  )
}

/** Returns the records of a new topic's configs, in the order of Kafka's hash table. */
export function topicConfigRecords(
  image: Image,
  topic: string,
  overrides: Overrides,
): MetadataRecord[] {
  const configs = javaHashMapOrder(overrides.keys()).map((name) => ({
    ...{ resourceType: resourceTypes.topic, resourceName: topic, name },
    value: overrides.get(name)!,
  }))
  const records = configs.map((config) => metadataRecord(configRecord, config))
  return [...records, ...clearElrRecords(image, configs)]
}
