import brokerTable from './broker-keys.json' with { type: 'json' }
import clientMetricsTable from './client-metrics-keys.json' with { type: 'json' }
import type { ConfigDefinition } from './definition.ts'
import groupTable from './group-keys.json' with { type: 'json' }
import topicTable from './topic-keys.json' with { type: 'json' }

type Keys = ReadonlyMap<string, ConfigDefinition>

function keysOf(table: unknown): Keys {
  return new Map((table as ConfigDefinition[]).map((definition) => [definition.name, definition]))
}

/** Every key of `KafkaConfig` in Apache Kafka 4.4.0, by name. */
export const brokerKeys: Keys = keysOf(brokerTable)
/** Every key of `LogConfig`: what a topic can be given. */
export const topicKeys: Keys = keysOf(topicTable)
/** Every key of `GroupConfig`. */
export const groupKeys: Keys = keysOf(groupTable)
/** Every key of `ClientMetricsConfigs`. */
export const clientMetricsKeys: Keys = keysOf(clientMetricsTable)

/** Codes of `ConfigResource.Type`. */
export const resourceTypes = {
  topic: 2,
  broker: 4,
  brokerLogger: 8,
  clientMetrics: 16,
  group: 32,
} as const
