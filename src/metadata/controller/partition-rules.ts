import { resourceTypes } from '../config/keys.ts'
import type { BrokerSettings } from '../config/settings.ts'
import { topicValue } from '../config/settings.ts'
import { directoryIds, isOnlineDirectory } from '../directories.ts'
import {
  type Image,
  isActive,
  overridesOf,
  type PartitionState,
  type TopicState,
} from '../image.ts'
import type { MetadataRecord } from '../records.ts'
import { isElrEnabled, minInsyncReplicas } from './elr.ts'
import { metadataVersionFeature } from './features.ts'
import { type PartitionRules, type PartitionTarget, partitionChange } from './partition-change.ts'

/** The state on which partitions are decided. */
export interface PartitionView {
  readonly image: Image
  readonly settings: BrokerSettings
}

/** The first `metadata.version` (3.6-IV0) in which an ISR shrinks without a new leader epoch. */
const quietShrinkSince = 12

/** Partitions looked at between two yields. */
const partitionsBetween = 1024

/** Returns the directory of a new replica: a broker with several chooses one and reports it. */
export function defaultDirectory({ brokers }: Image, brokerId: number): string {
  const broker = brokers.get(brokerId)
  if (broker === undefined) return directoryIds.unassigned
  const [only] = broker.logDirs
  if (only === undefined) return directoryIds.migrating
  return broker.logDirs.length === 1 ? only : directoryIds.unassigned
}

/** The settings and replicas by which changes of one topic's partitions are decided. */
export class TopicRules {
  private readonly image: Image
  private readonly topic: TopicState
  private readonly minIsr: number
  /** Whether the topic is to have leaders even if that loses records. */
  readonly isUncleanEnabled: boolean

  constructor({ image, settings }: PartitionView, topic: TopicState) {
    const overrides = overridesOf(image, resourceTypes.topic, topic.name)
    this.image = image
    this.topic = topic
    const minIsr = topicValue(minInsyncReplicas, overrides, settings) as number
    this.minIsr = Math.min(minIsr, topic.partitions[0]?.replicas.length ?? minIsr)
    const unclean = topicValue('unclean.leader.election.enable', overrides, settings)
    this.isUncleanEnabled = unclean === true
  }

  /** @param mayLead the brokers that could lead if they had the replica at hand. */
  of(partitionId: number, mayLead = (id: number) => isActive(this.image, id)): PartitionRules {
    const { image, topic } = this
    const partition = topic.partitions[partitionId]!
    return {
      ...{ topicId: topic.id, partitionId, partition, minIsr: this.minIsr },
      mayLead: (id) => mayLead(id) && isAtHand(partition, id, image),
      hasElr: isElrEnabled(image),
      isShrinkAnEpoch: (image.features.get(metadataVersionFeature) ?? 0) < quietShrinkSince,
      defaultDirectory: (id) => defaultDirectory(image, id),
    }
  }
}

function isAtHand({ replicas, directories }: PartitionState, id: number, image: Image): boolean {
  const broker = image.brokers.get(id)
  const directory = directories[replicas.indexOf(id)]
  return broker !== undefined && isOnlineDirectory(directory, broker.logDirs)
}

/** A change of a broker's state that may change the partitions it has replicas of. */
export interface BrokerEvent {
  /** It leaves the ISR. */
  readonly removed?: number
  /** It may lead although it is not alive yet. */
  readonly added?: number
  /** It leaves the ISR, and is not eligible any more. */
  readonly uncleanShutdown?: number
}

/**
 * Returns the changes of leaders and ISRs that follow from what happens to a broker
 * (`ReplicationControlManager.generateLeaderAndIsrUpdates`).
 * @param isAffected the partitions to look at.
 */
export function* brokerEventRecords(
  view: PartitionView,
  event: BrokerEvent,
  isAffected: (partition: PartitionState, index: number, topic: TopicState) => boolean,
): Generator<void, MetadataRecord[]> {
  const { removed, added, uncleanShutdown } = event
  const mayLead = (id: number) =>
    id !== removed && id !== uncleanShutdown && (id === added || isActive(view.image, id))
  const records: MetadataRecord[] = []
  let seen = 0
  for (const topic of view.image.topics.values()) {
    let rules: TopicRules | null = null
    for (const [index, partition] of topic.partitions.entries()) {
      if (++seen % partitionsBetween === 0) yield
      if (!isAffected(partition, index, topic)) continue
      rules ??= new TopicRules(view, topic)
      const isr = partition.isr.filter((id) => id !== removed && id !== uncleanShutdown)
      const target: PartitionTarget = {
        isr,
        election: rules.isUncleanEnabled ? 'unclean' : 'online',
        ...(uncleanShutdown === undefined ? {} : { uncleanShutdown }),
      }
      const record = partitionChange(rules.of(index, mayLead), target)
      if (record !== null) records.push(record)
    }
  }
  return records
}

/** Selects the partitions that have a broker in their ISR. */
export const inIsr = (id: number) => (partition: PartitionState) => partition.isr.includes(id)

/** Selects the partitions that have a broker among their eligible leader replicas. */
export const inElr = (id: number) => (partition: PartitionState) =>
  partition.eligibleLeaderReplicas.includes(id)

export const isLeaderless = ({ leader }: PartitionState) => leader === -1
