import type { Random } from '../../base/random.ts'
import { Refusal } from '../../protocol/errors.ts'
import type { Image } from '../image.ts'

/**
 * Spreads replicas over the brokers that are not fenced, one step further with each partition, from
 * a random start. After Kafka's StripedReplicaPlacer, racks aside.
 *
 * @returns the replicas of each partition, the preferred leader first.
 * @throws Refusal INVALID_REPLICATION_FACTOR when there are fewer brokers than replicas.
 */
export function placeReplicas(
  image: Image,
  partitionCount: number,
  replicationFactor: number,
  random: Random,
): number[][] {
  const brokers = [...image.brokers.values()]
  const usable = brokers.filter(({ fenced }) => !fenced).map(({ id }) => id)
  usable.sort((a, b) => a - b)
  if (brokers.length < replicationFactor) {
    throw new Refusal(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication ` +
        `factor of ${replicationFactor} cannot be reached because only ${brokers.length} ` +
        'broker(s) are registered or some brokers have all their log directories cordoned.',
    )
  }
  if (usable.length === 0) {
    throw new Refusal(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): All brokers are currently ` +
        'fenced.',
    )
  }
  const start = random.int(usable.length)
  return Array.from({ length: partitionCount }, (_, partition) =>
    Array.from(
      { length: Math.min(replicationFactor, usable.length) },
      (_, replica) => usable[(start + partition + replica) % usable.length]!,
    ),
  )
}
