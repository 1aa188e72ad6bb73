import type { RequestContext } from '../handler.ts'
import type { Delay } from '../purgatory.ts'
import type { Services } from '../services.ts'
import {
  type FetchLimits,
  type ReadAll,
  type Readable,
  type ReadPartition,
  readAll,
} from './read.ts'

/** A Fetch that waits for `min_bytes` from its partitions (Kafka's `DelayedFetch`). */
export function delayedFetch(
  all: readonly Readable[],
  limits: FetchLimits,
  { session }: RequestContext,
  services: Services,
): Delay<ReadAll> {
  const { maxWaitMs, minBytes, held } = limits
  const partitions = all.flatMap(
    ({ topic, wanted }) => services.partitions.get(topic, wanted.asked.partition) ?? [],
  )
  const tryComplete = async (isLast: boolean) => {
    const read = await readAll(all, limits, services)
    if (isLast || suffices(read, minBytes)) return read
    held.drop(read.parts)
    return null
  }
  return { session, partitions, maxWaitMs, tryComplete }
}

/**
 * Whether `min_bytes` is reached before a wait. As in Kafka (`ReplicaManager.fetchMessages`), a
 * first batch above `partition_max_bytes` counts as a whole here, and not during a wait.
 */
export function sufficesAtOnce({ availableBytes, isUrgent }: ReadAll, minBytes: number): boolean {
  return isUrgent || availableBytes >= minBytes
}

/**
 * Whether `min_bytes` is reached during a wait. A partition counts at most its
 * `partition_max_bytes`, however large its first batch is (`DelayedFetch`).
 */
function suffices({ parts, isUrgent }: ReadAll, minBytes: number): boolean {
  return isUrgent || parts.reduce((sum, part) => sum + capped(part), 0) >= minBytes
}

function capped({ availableBytes, wanted }: ReadPartition): number {
  return Math.min(availableBytes, wanted.asked.partitionMaxBytes)
}
