import { ApiError } from '../protocol/errors.ts'
import { type Delivery, type DeliveryState, isTerminal } from './delivery.ts'
import type { InFlightBatch, OffsetRange } from './in-flight.ts'
import type { Change, SharePartition } from './share-partition.ts'

/** Acknowledge types of the protocol (`AcknowledgeType`); 0 stands for an offset without record. */
export const acknowledgeTypes = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const

const statesOf: ReadonlyMap<number, DeliveryState> = new Map([
  [acknowledgeTypes.gap, 'archived'],
  [acknowledgeTypes.accept, 'acknowledged'],
  [acknowledgeTypes.release, 'available'],
  [acknowledgeTypes.reject, 'archived'],
])
const knownTypes: ReadonlySet<number> = new Set(Object.values(acknowledgeTypes))

/** One type for all offsets, or one for each. */
export interface AcknowledgementBatch extends OffsetRange {
  readonly types: readonly number[]
}

/**
 * Ends attempts of a member as it says (`SharePartition.acknowledge`).
 *
 * @returns the changes, to be stored and then settled.
 * @throws ApiError INVALID_RECORD_STATE, INVALID_REQUEST; nothing is changed then.
 */
export function acknowledge(
  partition: SharePartition,
  memberId: string,
  batches: readonly AcknowledgementBatch[],
  nowMs: number,
): Change[] {
  return changing(partition, nowMs, (changes) => {
    for (const batch of batches) {
      if (!batch.types.every((type) => knownTypes.has(type))) {
        throw new ApiError(
          'INVALID_REQUEST',
          `Invalid acknowledge type: [${batch.types.join(', ')}]`,
        )
      }
      if (batch.lastOffset < partition.startOffset) continue
      for (const known of batchesOf(partition, batch)) {
        if (known.lastOffset < partition.startOffset) continue
        acknowledgeIn(partition, known, { memberId, batch, changes, nowMs })
      }
    }
  })
}

/**
 * Ends all attempts of a member that has left (`SharePartition.releaseAcquiredRecords`).
 *
 * @returns the changes, to be stored and then settled.
 */
export function releaseAll(partition: SharePartition, memberId: string, nowMs: number): Change[] {
  return changing(partition, nowMs, (changes) => {
    for (const batch of partition.inFlight.all) {
      if (batch.whole !== null && batch.whole.memberId !== memberId) continue
      splitAtStart(partition, batch)
      for (const [offset, delivery] of batch.each()) {
        if (delivery.state !== 'acquired' || delivery.memberId !== memberId) continue
        const range = rangeOf(batch, offset)
        const to = range.lastOffset < partition.startOffset ? 'archived' : 'available'
        if (!begin(partition, delivery, range, to, changes)) {
          throw new ApiError('INVALID_RECORD_STATE', 'Unable to release acquired records')
        }
      }
    }
  })
}

/**
 * Ends a change of a share partition: keeps it if it is stored, else takes it back.
 *
 * @returns what is to be written to the dead letter queue, and then `archiveDead`.
 */
export function settle(
  partition: SharePartition,
  changes: readonly Change[],
  isStored: boolean,
  nowMs: number,
): Change[] {
  for (const { delivery, batch } of changes) {
    delivery.settle(isStored, nowMs)
    if (delivery.state === 'available') partition.mayHaveReturned = true
    if (!isStored && isTerminal(batch.state) && !isTerminal(delivery.state)) {
      partition.terminalCount -= partition.countFromStart(batch)
    }
  }
  if (!isStored) return []
  partition.advance()
  return changes.filter(({ delivery }) => delivery.state === 'archiving')
}

/** Archives what is in the dead letter queue. @returns the change, to be stored. */
export function archiveDead(partition: SharePartition, { delivery, batch }: Change): Change {
  delivery.archive()
  partition.terminalCount += partition.countFromStart(batch)
  return { delivery, batch: { ...batch, state: 'archived' } }
}

interface Step {
  readonly memberId: string
  readonly batch: AcknowledgementBatch
  readonly changes: Change[]
  readonly nowMs: number
}

function changing(
  partition: SharePartition,
  nowMs: number,
  work: (changes: Change[]) => void,
): Change[] {
  const changes: Change[] = []
  try {
    work(changes)
    return changes
  } catch (error) {
    settle(partition, changes, false, nowMs)
    throw error
  }
}

/** The batches in flight that an acknowledgement names. @throws ApiError */
function batchesOf(partition: SharePartition, batch: AcknowledgementBatch): InFlightBatch[] {
  const { inFlight, startOffset } = partition
  let floor = inFlight.floor(batch.firstOffset)
  if (floor === undefined && batch.firstOffset < startOffset) floor = inFlight.floor(startOffset)
  if (floor === undefined) {
    throw new ApiError(
      'INVALID_RECORD_STATE',
      'Batch record not found. The request batch offsets are not found in the cache.',
    )
  }
  const known = inFlight.starting(floor.firstOffset, batch.lastOffset)
  const end = known.at(-1)!.lastOffset
  if (end < batch.firstOffset || end < batch.lastOffset) {
    const which = end < batch.firstOffset ? 'first' : 'last'
    throw new ApiError(
      'INVALID_REQUEST',
      `Batch record not found. The ${which} offset in request is past acquired records.`,
    )
  }
  return known
}

function acknowledgeIn(partition: SharePartition, known: InFlightBatch, step: Step): void {
  const { memberId, batch } = step
  const { whole } = known
  if (whole !== null) {
    if (whole.memberId === '') {
      refuse('The batch cannot be acknowledged. The batch is not in the acquired state.')
    }
    if (whole.memberId !== memberId) refuse('Member is not the owner of batch record')
    if (whole.isChanging) refuse(changingText)
  }
  const isExact = known.isWithin(batch.firstOffset, batch.lastOffset)
  const isAtStart = holdsStart(partition, known)
  if (whole === null || !isExact || batch.types.length > 1 || isAtStart) {
    if (whole !== null && whole.state !== 'acquired') {
      refuse('The batch cannot be acknowledged. The subset batch is not in the acquired state.')
    }
    known.split()
    const from = Math.max(batch.firstOffset, partition.startOffset)
    for (const [offset, delivery] of known.each(from, batch.lastOffset)) {
      acknowledgeOne(partition, offset, delivery, step)
    }
    return
  }
  if (whole.state !== 'acquired') {
    refuse('The batch cannot be acknowledged. The batch is not in the acquired state.')
  }
  end(partition, whole, known, batch.types[0]!, step)
}

function acknowledgeOne(
  partition: SharePartition,
  offset: number,
  delivery: Delivery,
  step: Step,
): void {
  const { memberId, batch } = step
  if (delivery.state !== 'acquired') {
    refuse('The offset cannot be acknowledged. The offset is not acquired.')
  }
  if (delivery.isChanging) refuse(changingText)
  if (delivery.memberId !== memberId) refuse('Member is not the owner of offset')
  const { types } = batch
  const type = types.length > 1 ? types[offset - batch.firstOffset]! : types[0]!
  end(partition, delivery, { firstOffset: offset, lastOffset: offset }, type, step)
}

/** Ends the attempt of a delivery, or renews its lock. */
function end(
  partition: SharePartition,
  delivery: Delivery,
  range: OffsetRange,
  type: number,
  { changes, nowMs }: Step,
): void {
  const { rules } = partition
  if (type === acknowledgeTypes.renew) {
    if (!rules.mayRenew) refuse('Renewing acquisition locks is not enabled for the group.')
    delivery.lockedUntilMs = nowMs + rules.lockMs
    return
  }
  const isRejected = type === acknowledgeTypes.reject && rules.hasDeadLetters
  const to = isRejected ? 'archiving' : statesOf.get(type)!
  if (!begin(partition, delivery, range, to, changes)) {
    refuse('Unable to acknowledge records for the batch')
  }
}

function begin(
  partition: SharePartition,
  delivery: Delivery,
  range: OffsetRange,
  to: DeliveryState,
  changes: Change[],
): boolean {
  if (!delivery.beginToFinish(to, partition.rules)) return false
  const { firstOffset, lastOffset } = range
  const { state, attempts } = delivery
  changes.push({ delivery, batch: { firstOffset, lastOffset, state, attempts } })
  if (isTerminal(state)) partition.terminalCount += partition.countFromStart(range)
  return true
}

/** Splits an acquired batch in which the start offset stands: it ends differently on each side. */
export function splitAtStart(partition: SharePartition, batch: InFlightBatch): void {
  if (batch.whole?.state === 'acquired' && holdsStart(partition, batch)) batch.split()
}

/** The offsets of a delivery of a batch. */
export function rangeOf(batch: InFlightBatch, offset: number): OffsetRange {
  return batch.whole === null ? { firstOffset: offset, lastOffset: offset } : batch
}

function holdsStart({ startOffset }: SharePartition, { firstOffset, lastOffset }: OffsetRange) {
  return firstOffset < startOffset && lastOffset >= startOffset
}

const changingText =
  'The record state is invalid. The acknowledgement of delivery could not be completed.'

function refuse(message: string): never {
  throw new ApiError('INVALID_RECORD_STATE', message)
}
