import type { PartitionState, TopicState } from '../image.ts'
import type { MetadataRecord } from '../records.ts'
import type { Command, ControllerView } from './controller.ts'
import { electionRecord, electionTypes } from './elect-leaders.ts'
import { isLeaderless, TopicRules } from './partition-rules.ts'

/** Maximum number of elections of one decision (Kafka's `maxElectionsPerImbalance`). */
export const electionsMax = 1000

/** Partitions looked at between two yields. */
const partitionsBetween = 1024

/** A partition that got another leader. */
export interface Election {
  readonly topic: string
  readonly partition: number
}

/** Gives leaderships back to preferred replicas (`maybeBalancePartitionLeaders`). */
export function electPreferredLeaders(): Command<Election[]> {
  return (view) =>
    elections(view, electionTypes.preferred, ({ leader, replicas }) => leader !== replicas[0])
}

/**
 * Elects leaders that lack records, where nobody else leads and the topic permits it
 * (`maybeElectUncleanLeaders`).
 */
export function electUncleanLeaders(): Command<Election[]> {
  return (view) =>
    elections(
      view,
      electionTypes.unclean,
      (partition, rules) => isLeaderless(partition) && rules().isUncleanEnabled,
    )
}

function* elections(
  view: ControllerView,
  type: number,
  isDue: (partition: PartitionState, rules: () => TopicRules) => boolean,
): Generator<void, { records: MetadataRecord[]; answer: Election[] }> {
  const records: MetadataRecord[] = []
  const answer: Election[] = []
  let seen = 0
  for (const topic of view.image.topics.values()) {
    const rules = rulesOnce(view, topic)
    for (const [index, partition] of topic.partitions.entries()) {
      if (++seen % partitionsBetween === 0) yield
      if (!isDue(partition, rules)) continue
      const record = electionRecord(rules(), index, type, partition)
      if (typeof record === 'string') continue
      records.push(record)
      answer.push({ topic: topic.name, partition: index })
      if (records.length >= electionsMax) return { records, answer }
    }
  }
  return { records, answer }
}

/** Looks up the settings of a topic only if it has a partition to decide on. */
function rulesOnce(view: ControllerView, topic: TopicState): () => TopicRules {
  let rules: TopicRules | null = null
  return () => (rules ??= new TopicRules(view, topic))
}
