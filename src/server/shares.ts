import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ShareCoordinatorConfig } from '../coordinator/share/commands.ts'
import { ShareCoordinator } from '../coordinator/share/coordinator.ts'
import type { TopicView } from '../coordinator/topic-view.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import type { Partitions } from '../replication/partitions.ts'
import { coordinateTopic } from './coordinated-topic.ts'
import { shareStateTopic } from './internal-topics.ts'
import { areShareGroupsEnabled } from './share-groups-enabled.ts'

/**
 * Creates the share coordinator and keeps it in step with the `__share_group_state` partitions that
 * this broker leads and with deleted topics. Call it before partitions are opened.
 */
export function sharesOf(rooms: {
  readonly clock: Clock
  readonly logger: Logger
  readonly metadata: BrokerMetadata
  readonly settings: BrokerSettings
  readonly partitions: Partitions
  readonly topics: TopicView
}): ShareCoordinator {
  const { clock, logger, metadata, settings, partitions, topics } = rooms
  const shares = new ShareCoordinator({
    partitionCount: () =>
      metadata.image.topics.get(shareStateTopic)?.partitions.length ??
      settings.int('share.coordinator.state.topic.num.partitions'),
    ...{ clock, logger, topics },
    config: shareCoordinatorSettings(settings, metadata),
  })
  coordinateTopic({
    topic: shareStateTopic,
    coordinator: shares,
    baseSequence: 0,
    ...{ partitions, clock },
  })
  metadata.listen('shares', (_image, { deleted }) => {
    if (deleted.length > 0) shares.topicsDeleted(new Set(deleted.map(({ id }) => id)))
  })
  return shares
}

/** Returns the share coordinator's config, backed by the broker's current settings. */
function shareCoordinatorSettings(
  settings: BrokerSettings,
  metadata: BrokerMetadata,
): ShareCoordinatorConfig {
  return {
    get snapshotUpdateRecordsPerSnapshot() {
      return settings.int('share.coordinator.snapshot.update.records.per.snapshot')
    },
    get coldPartitionSnapshotIntervalMs() {
      return settings.int('share.coordinator.cold.partition.snapshot.interval.ms')
    },
    get stateTopicPruneIntervalMs() {
      return settings.int('share.coordinator.state.topic.prune.interval.ms')
    },
    get isShareGroupsEnabled() {
      return areShareGroupsEnabled({ metadata })
    },
  }
}
