import { rangeOf, splitAtStart } from './acknowledgement.ts'
import { type Delivery, isTerminal } from './delivery.ts'
import type { Change, SharePartition } from './share-partition.ts'

/**
 * Makes records available again whose locks have ended. The changes hold at once, whether or not
 * they can be stored: `advance` is due after the attempt.
 */
export function endLocks(partition: SharePartition, nowMs: number): Change[] {
  const changes: Change[] = []
  const { rules, startOffset } = partition
  for (const batch of partition.inFlight.all) {
    if (batch.whole !== null && !isLockOver(batch.whole, nowMs)) continue
    splitAtStart(partition, batch)
    for (const [offset, delivery] of batch.each()) {
      if (!isLockOver(delivery, nowMs)) continue
      const range = rangeOf(batch, offset)
      const to = range.lastOffset < startOffset ? 'archived' : 'available'
      if (!delivery.finish(to, rules)) continue
      delivery.lockedUntilMs = null
      const { state, attempts } = delivery
      const { firstOffset, lastOffset } = range
      changes.push({ delivery, batch: { firstOffset, lastOffset, state, attempts } })
      if (state === 'available') partition.mayHaveReturned = true
      if (isTerminal(state)) partition.terminalCount += partition.countFromStart(range)
    }
  }
  return changes
}

/** The time of the first end of a lock, in ms; null without locks. */
export function nextLockEndMs({ inFlight }: SharePartition): number | null {
  let first: number | null = null
  for (const batch of inFlight.all) {
    for (const [, { state, lockedUntilMs }] of batch.each()) {
      if (state !== 'acquired' || lockedUntilMs === null) continue
      first = first === null ? lockedUntilMs : Math.min(first, lockedUntilMs)
    }
  }
  return first
}

const isLockOver = ({ state, lockedUntilMs }: Delivery, nowMs: number) =>
  state === 'acquired' && lockedUntilMs !== null && lockedUntilMs <= nowMs
