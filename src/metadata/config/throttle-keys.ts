import type { ConfigDefinition } from './definition.ts'

/**
 * Broker settings that can be set at run time only (`QuotaConfig.brokerQuotaConfigs`), in bytes per
 * second.
 */
export const throttleKeys: ReadonlyMap<string, ConfigDefinition> = new Map(
  [
    'leader.replication.throttled.rate',
    'follower.replication.throttled.rate',
    'replica.alter.log.dirs.io.max.bytes.per.second',
  ].map((name) => [name, { name, type: 'LONG', valid: '[0,...]', update: 'cluster-wide' }]),
)
