import { ApiError } from '../../protocol/errors.ts'
import type { PartitionState } from '../image.ts'

/** The replicas of a partition while it moves: the new ones in front, those to go behind them. */
export interface Reassignment {
  readonly replicas: readonly number[]
  readonly removing: readonly number[]
  readonly adding: readonly number[]
}

export const equalIds = (a: readonly unknown[], b: readonly unknown[]) =>
  a.length === b.length && a.every((one, i) => one === b[i])

/** Whether `all` has every element of `some`. */
export const holdsAll = (all: readonly number[], some: readonly number[]) =>
  some.every((one) => all.includes(one))

const without = (ids: readonly number[], gone: readonly number[]) =>
  ids.filter((id) => !gone.includes(id))

const ascending = (ids: readonly number[]) => ids.toSorted((a, b) => a - b)

export function isReassigning(partition: PartitionState): boolean {
  return partition.removingReplicas.length > 0 || partition.addingReplicas.length > 0
}

/** Returns how a partition comes from its replicas to those wanted. */
export function reassignmentTo(
  current: readonly number[],
  wanted: readonly number[],
): Reassignment {
  const removing = ascending(without(current, wanted))
  const adding = ascending(without(wanted, current))
  return { replicas: [...wanted, ...removing], removing, adding }
}

/**
 * Returns the replicas and the ISR after a reassignment whose new replicas are in sync; null while
 * they are not, or if none is going on (Kafka's `PartitionReassignmentReplicas`).
 */
export function completedReassignment(
  moving: Reassignment & { readonly isr: readonly number[] },
): (Reassignment & { readonly isr: readonly number[] }) | null {
  const { removing, adding } = moving
  if (removing.length === 0 && adding.length === 0) return null
  const isr = without(moving.isr, removing)
  const replicas = without(moving.replicas, removing)
  if (removing.length > 0 && (isr.length === 0 || replicas.length === 0)) return null
  if (!holdsAll(isr, adding)) return null
  // With more replicas going than coming, all that stay must be in sync (KAFKA-19975).
  if (adding.length < removing.length && !holdsAll(isr, replicas)) return null
  return { replicas, isr, removing: [], adding: [] }
}

/**
 * Returns the replicas from before a reassignment and which of them are in sync (Kafka's
 * `PartitionReassignmentRevert`). Unclean if none is: the first becomes the leader all the same.
 * @throws ApiError INVALID_REPLICA_ASSIGNMENT if all replicas are new.
 */
export function revertedReassignment({ replicas, isr, addingReplicas }: PartitionState): {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly isUnclean: boolean
} {
  const original = without(replicas, addingReplicas)
  const inSync = without(isr, addingReplicas)
  if (inSync.length > 0) return { replicas: original, isr: inSync, isUnclean: false }
  if (original.length > 0) return { replicas: original, isr: [original[0]!], isUnclean: true }
  throw new ApiError(
    'INVALID_REPLICA_ASSIGNMENT',
    'Invalid replica assignment: addingReplicas contains all replicas.',
  )
}
