import brokerTable from './broker-keys.json' with { type: 'json' }
import clientMetricsTable from './client-metrics-keys.json' with { type: 'json' }
import type { ConfigDefinition } from './definition.ts'
import groupTable from './group-keys.json' with { type: 'json' }
import topicTable from './topic-keys.json' with { type: 'json' }

type Keys = ReadonlyMap<string, ConfigDefinition>

function keysOf(table: unknown): Keys {
  return new Map((table as ConfigDefinition[]).map((definition) => [definition.name, definition]))
}

/** All keys of `KafkaConfig` in Apache Kafka 4.4.0, by name. */
export const brokerKeys: Keys = keysOf(brokerTable)
/** All keys of `LogConfig`: the topic configs. */
export const topicKeys: Keys = keysOf(topicTable)
/** All keys of `GroupConfig`. */
export const groupKeys: Keys = keysOf(groupTable)
/** All keys of `ClientMetricsConfigs`. */
export const clientMetricsKeys: Keys = keysOf(clientMetricsTable)

/** Codes of `ConfigResource.Type`. */
export const resourceTypes = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const

const keysByType: ReadonlyMap<number, Keys> = new Map([
  [resourceTypes.topic, topicKeys],
  [resourceTypes.clientMetrics, clientMetricsKeys],
  [resourceTypes.group, groupKeys],
])

/**
 * Whether an image may contain a config: brokers' of any name, others only if this release knows
 * them (Kafka's `DefaultSupportedConfigChecker`). Other releases may have written more.
 */
export function isSupportedConfig(resourceType: number, name: string): boolean {
  if (resourceType === resourceTypes.broker) return true
  return keysByType.get(resourceType)?.has(name) === true
}
