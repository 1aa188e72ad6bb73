/** The group settings, under Kafka's names. Some are dynamic: implementations use getters. */
export interface GroupConfig {
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupMaxSize: number
  readonly offsetMetadataMaxBytes: number
  readonly offsetsRetentionMs: number
  readonly offsetsRetentionCheckIntervalMs: number
  readonly groupConsumerSessionTimeoutMs: number
  readonly groupConsumerMinSessionTimeoutMs: number
  readonly groupConsumerMaxSessionTimeoutMs: number
  readonly groupConsumerHeartbeatIntervalMs: number
  readonly groupConsumerMinHeartbeatIntervalMs: number
  readonly groupConsumerMaxHeartbeatIntervalMs: number
  readonly groupConsumerMaxSize: number
  /** `uniform` and `range` in the order of preference: the first is the default. */
  readonly groupConsumerAssignors: readonly string[]
  readonly groupConsumerMigrationPolicy: 'bidirectional' | 'upgrade' | 'downgrade' | 'disabled'
  readonly groupConsumerRegexRefreshIntervalMs: number
  readonly groupConsumerAssignmentIntervalMs: number
  readonly groupConsumerMinAssignmentIntervalMs: number
  readonly groupConsumerMaxAssignmentIntervalMs: number
  /**
   * Returns a setting of one group (`kafka-configs --entity-type groups`) by name; null if unset.
   */
  groupOverride(groupId: string, name: string): string | null
}

/** Kafka's defaults. */
export const groupConfigDefaults: GroupConfig = {
  groupInitialRebalanceDelayMs: 3000,
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupMaxSize: 2 ** 31 - 1,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMs: 10080 * 60_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  groupConsumerSessionTimeoutMs: 45_000,
  groupConsumerMinSessionTimeoutMs: 45_000,
  groupConsumerMaxSessionTimeoutMs: 60_000,
  groupConsumerHeartbeatIntervalMs: 5000,
  groupConsumerMinHeartbeatIntervalMs: 5000,
  groupConsumerMaxHeartbeatIntervalMs: 15_000,
  groupConsumerMaxSize: 2 ** 31 - 1,
  groupConsumerAssignors: ['uniform', 'range'],
  groupConsumerMigrationPolicy: 'bidirectional',
  groupConsumerRegexRefreshIntervalMs: 600_000,
  groupConsumerAssignmentIntervalMs: 1000,
  groupConsumerMinAssignmentIntervalMs: 0,
  groupConsumerMaxAssignmentIntervalMs: 15_000,
  groupOverride: () => null,
}

/**
 * Returns a consumer group setting: the group's own, limited to the broker's bounds, else the
 * broker's. `name` is the group's name for it: `session.timeout.ms` for
 * `consumer.session.timeout.ms`.
 */
function consumerSetting(
  config: GroupConfig,
  groupId: string,
  name: string,
  options: { readonly usual: number; readonly min: number; readonly max: number },
): number {
  const own = config.groupOverride(groupId, `consumer.${name}`)
  return own === null ? options.usual : Math.min(Math.max(Number(own), options.min), options.max)
}

export function consumerSessionTimeoutMs(config: GroupConfig, groupId: string): number {
  return consumerSetting(config, groupId, 'session.timeout.ms', {
    usual: config.groupConsumerSessionTimeoutMs,
    min: config.groupConsumerMinSessionTimeoutMs,
    max: config.groupConsumerMaxSessionTimeoutMs,
  })
}

export function consumerHeartbeatIntervalMs(config: GroupConfig, groupId: string): number {
  return consumerSetting(config, groupId, 'heartbeat.interval.ms', {
    usual: config.groupConsumerHeartbeatIntervalMs,
    min: config.groupConsumerMinHeartbeatIntervalMs,
    max: config.groupConsumerMaxHeartbeatIntervalMs,
  })
}

export function consumerAssignmentIntervalMs(config: GroupConfig, groupId: string): number {
  return consumerSetting(config, groupId, 'assignment.interval.ms', {
    usual: config.groupConsumerAssignmentIntervalMs,
    min: config.groupConsumerMinAssignmentIntervalMs,
    max: config.groupConsumerMaxAssignmentIntervalMs,
  })
}

/** How long (ms) a new classic member may wait for its first generation (Kafka: 5 min). */
export const newMemberJoinTimeoutMs = 5 * 60_000
