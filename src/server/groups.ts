import type { Clock } from '../base/clock.ts'
import type { Expressions } from '../base/expressions.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { GroupCoordinator } from '../coordinator/group/coordinator.ts'
import type { ShareStateKeeper } from '../coordinator/group/share-state-keeper.ts'
import { resourceTypes } from '../metadata/config/keys.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { overridesOf, topicById } from '../metadata/image.ts'
import type { BrokerMetadata } from '../metadata/metadata.ts'
import type { Partitions } from '../replication/partitions.ts'
import { coordinateTopic } from './coordinated-topic.ts'
import { groupSettings } from './group-settings.ts'
import { offsetsTopic } from './internal-topics.ts'
import { topicView } from './topic-view.ts'

/**
 * Creates the group coordinator and keeps it in step with the `__consumer_offsets` partitions that
 * this broker leads and with the cluster's topics. Call it before partitions are opened.
 */
export function groupsOf(options: {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly metadata: BrokerMetadata
  readonly settings: BrokerSettings
  readonly partitions: Partitions
  readonly expressions: Expressions
  readonly shareState: ShareStateKeeper
}): GroupCoordinator {
  const { clock, random, logger, metadata, settings, partitions, expressions, shareState } = options
  let image = metadata.image
  const groups = new GroupCoordinator({
    partitionCount: () =>
      image.topics.get(offsetsTopic)?.partitions.length ??
      settings.int('offsets.topic.num.partitions'),
    clock,
    random,
    logger,
    expressions,
    shareState,
    topics: topicView(() => image),
    config: groupSettings(settings, (groupId) => overridesOf(image, resourceTypes.group, groupId)),
  })
  coordinateTopic({
    topic: offsetsTopic,
    coordinator: groups,
    baseSequence: 0,
    partitions,
    clock,
  })
  metadata.listen('groups', (newest, { deleted, changed }) => {
    const before = image
    image = newest
    if (deleted.length > 0) groups.topicsDeleted(deleted)
    if (deleted.length === 0 && changed.length === 0) return
    const names = new Set([...deleted, ...changed].map(({ name }) => name))
    groups.topicsChanged(
      names,
      changed.some(({ id }) => topicById(before, id) === undefined),
    )
  })
  return groups
}
