import type { GroupConfig } from '../coordinator/group/config.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'

type Policy = GroupConfig['groupConsumerMigrationPolicy']

/**
 * Returns the group coordinator's config, backed by the broker's current settings.
 * @param overrides the dynamic configs of one group, by its id.
 */
export function groupSettings(
  settings: BrokerSettings,
  overrides: (groupId: string) => ReadonlyMap<string, string> | undefined,
): GroupConfig {
  const int = (name: string) => settings.int(name)
  return {
    get groupInitialRebalanceDelayMs() {
      return int('group.initial.rebalance.delay.ms')
    },
    get groupMinSessionTimeoutMs() {
      return int('group.min.session.timeout.ms')
    },
    get groupMaxSessionTimeoutMs() {
      return int('group.max.session.timeout.ms')
    },
    get groupMaxSize() {
      return int('group.max.size')
    },
    get offsetMetadataMaxBytes() {
      return int('offset.metadata.max.bytes')
    },
    get offsetsRetentionMs() {
      return int('offsets.retention.minutes') * 60_000
    },
    get offsetsRetentionCheckIntervalMs() {
      return int('offsets.retention.check.interval.ms')
    },
    get groupConsumerSessionTimeoutMs() {
      return int('group.consumer.session.timeout.ms')
    },
    get groupConsumerMinSessionTimeoutMs() {
      return int('group.consumer.min.session.timeout.ms')
    },
    get groupConsumerMaxSessionTimeoutMs() {
      return int('group.consumer.max.session.timeout.ms')
    },
    get groupConsumerHeartbeatIntervalMs() {
      return int('group.consumer.heartbeat.interval.ms')
    },
    get groupConsumerMinHeartbeatIntervalMs() {
      return int('group.consumer.min.heartbeat.interval.ms')
    },
    get groupConsumerMaxHeartbeatIntervalMs() {
      return int('group.consumer.max.heartbeat.interval.ms')
    },
    get groupConsumerMaxSize() {
      return int('group.consumer.max.size')
    },
    get groupConsumerAssignors() {
      return settings.list('group.consumer.assignors')
    },
    get groupConsumerMigrationPolicy() {
      return settings.string('group.consumer.migration.policy')?.toLowerCase() as Policy
    },
    get groupConsumerRegexRefreshIntervalMs() {
      return int('group.consumer.regex.refresh.interval.ms')
    },
    get groupShareSessionTimeoutMs() {
      return int('group.share.session.timeout.ms')
    },
    get groupShareMinSessionTimeoutMs() {
      return int('group.share.min.session.timeout.ms')
    },
    get groupShareMaxSessionTimeoutMs() {
      return int('group.share.max.session.timeout.ms')
    },
    get groupShareHeartbeatIntervalMs() {
      return int('group.share.heartbeat.interval.ms')
    },
    get groupShareMinHeartbeatIntervalMs() {
      return int('group.share.min.heartbeat.interval.ms')
    },
    get groupShareMaxHeartbeatIntervalMs() {
      return int('group.share.max.heartbeat.interval.ms')
    },
    get groupShareMaxSize() {
      return int('group.share.max.size')
    },
    get groupShareAssignmentIntervalMs() {
      return int('group.share.assignment.interval.ms')
    },
    get groupShareMinAssignmentIntervalMs() {
      return int('group.share.min.assignment.interval.ms')
    },
    get groupShareMaxAssignmentIntervalMs() {
      return int('group.share.max.assignment.interval.ms')
    },
    get groupShareInitializeRetryIntervalMs() {
      return int('group.share.initialize.retry.interval.ms')
    },
    get groupConsumerAssignmentIntervalMs() {
      return int('group.consumer.assignment.interval.ms')
    },
    get groupConsumerMinAssignmentIntervalMs() {
      return int('group.consumer.min.assignment.interval.ms')
    },
    get groupConsumerMaxAssignmentIntervalMs() {
      return int('group.consumer.max.assignment.interval.ms')
    },
    groupOverride: (groupId, name) => overrides(groupId)?.get(name) ?? null,
  }
}
