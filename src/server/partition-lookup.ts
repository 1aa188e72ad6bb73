import { Refusal } from '../protocol/errors.ts'
import type { Partition } from '../replication/partition.ts'
import type { Services } from './services.ts'

/**
 * A partition of this broker.
 * @throws Refusal UNKNOWN_TOPIC_OR_PARTITION where there is none at all, NOT_LEADER_OR_FOLLOWER where
 *   it is another broker's, KAFKA_STORAGE_ERROR where its directory has failed.
 */
export function partitionOf(topic: string, index: number, services: Services): Partition {
  const partition = services.partitions.get(topic, index)
  partition?.checkOnline()
  if (partition !== undefined) return partition
  const exists = services.metadata.image.topics.get(topic)?.partitions[index] !== undefined
  throw new Refusal(exists ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION')
}
