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
  readonly groupShareSessionTimeoutMs: number
  readonly groupShareMinSessionTimeoutMs: number
  readonly groupShareMaxSessionTimeoutMs: number
  readonly groupShareHeartbeatIntervalMs: number
  readonly groupShareMinHeartbeatIntervalMs: number
  readonly groupShareMaxHeartbeatIntervalMs: number
  readonly groupShareMaxSize: number
  readonly groupShareAssignmentIntervalMs: number
  readonly groupShareMinAssignmentIntervalMs: number
  readonly groupShareMaxAssignmentIntervalMs: number
  readonly groupShareInitializeRetryIntervalMs: number
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
  groupShareSessionTimeoutMs: 45_000,
  groupShareMinSessionTimeoutMs: 45_000,
  groupShareMaxSessionTimeoutMs: 60_000,
  groupShareHeartbeatIntervalMs: 5000,
  groupShareMinHeartbeatIntervalMs: 5000,
  groupShareMaxHeartbeatIntervalMs: 15_000,
  groupShareMaxSize: 200,
  groupShareAssignmentIntervalMs: 1000,
  groupShareMinAssignmentIntervalMs: 0,
  groupShareMaxAssignmentIntervalMs: 15_000,
  groupShareInitializeRetryIntervalMs: 30_000,
  groupOverride: () => null,
}

/**
 * Returns a setting of one group: the group's own, limited to the broker's bounds, else the
 * broker's. `name` is the group's name for it: `consumer.session.timeout.ms`.
 */
function groupSetting(
  config: GroupConfig,
  groupId: string,
  name: string,
  options: { readonly usual: number; readonly min: number; readonly max: number },
): number {
  const own = config.groupOverride(groupId, name)
  return own === null ? options.usual : Math.min(Math.max(Number(own), options.min), options.max)
}

export function consumerSessionTimeoutMs(config: GroupConfig, groupId: string): number {
  return groupSetting(config, groupId, 'consumer.session.timeout.ms', {
    usual: config.groupConsumerSessionTimeoutMs,
    min: config.groupConsumerMinSessionTimeoutMs,
    max: config.groupConsumerMaxSessionTimeoutMs,
  })
}

export function consumerHeartbeatIntervalMs(config: GroupConfig, groupId: string): number {
  return groupSetting(config, groupId, 'consumer.heartbeat.interval.ms', {
    usual: config.groupConsumerHeartbeatIntervalMs,
    min: config.groupConsumerMinHeartbeatIntervalMs,
    max: config.groupConsumerMaxHeartbeatIntervalMs,
  })
}

export function consumerAssignmentIntervalMs(config: GroupConfig, groupId: string): number {
  return groupSetting(config, groupId, 'consumer.assignment.interval.ms', {
    usual: config.groupConsumerAssignmentIntervalMs,
    min: config.groupConsumerMinAssignmentIntervalMs,
    max: config.groupConsumerMaxAssignmentIntervalMs,
  })
}

export function shareSessionTimeoutMs(config: GroupConfig, groupId: string): number {
  return groupSetting(config, groupId, 'share.session.timeout.ms', {
    usual: config.groupShareSessionTimeoutMs,
    min: config.groupShareMinSessionTimeoutMs,
    max: config.groupShareMaxSessionTimeoutMs,
  })
}

export function shareHeartbeatIntervalMs(config: GroupConfig, groupId: string): number {
  return groupSetting(config, groupId, 'share.heartbeat.interval.ms', {
    usual: config.groupShareHeartbeatIntervalMs,
    min: config.groupShareMinHeartbeatIntervalMs,
    max: config.groupShareMaxHeartbeatIntervalMs,
  })
}

export function shareAssignmentIntervalMs(config: GroupConfig, groupId: string): number {
  return groupSetting(config, groupId, 'share.assignment.interval.ms', {
    usual: config.groupShareAssignmentIntervalMs,
    min: config.groupShareMinAssignmentIntervalMs,
    max: config.groupShareMaxAssignmentIntervalMs,
  })
}

/** How long (ms) a new classic member may wait for its first generation (Kafka: 5 min). */
export const newMemberJoinTimeoutMs = 5 * 60_000
