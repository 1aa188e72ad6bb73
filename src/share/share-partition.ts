import { Delivery, type DeliveryRules, type DeliveryState, isTerminal } from './delivery.ts'
import { countOf, InFlight, InFlightBatch, type OffsetRange } from './in-flight.ts'

/** The settings of a share group that its partitions obey; those of the group or the broker's. */
export interface ShareRules extends DeliveryRules {
  /** Records between the start and the end offset (`group.share.partition.max.record.locks`). */
  readonly recordsMax: number
  /** Time in ms for which records are acquired (`group.share.record.lock.duration.ms`). */
  readonly lockMs: number
  /** Whether members may renew their locks (`share.renew.acknowledge.enable`). */
  readonly mayRenew: boolean
}

/** Consecutive records in the same state, as the share coordinator stores them. */
export interface StateBatch extends OffsetRange {
  readonly state: DeliveryState
  readonly attempts: number
}

/** A share partition's state as the share coordinator returns it. */
export interface StoredState {
  readonly stateEpoch: number
  /** The first offset that may be delivered. */
  readonly startOffset: number
  readonly batches: readonly StateBatch[]
}

/** A change of deliveries that is to be stored. */
export interface Change {
  readonly delivery: Delivery
  readonly batch: StateBatch
}

/** The stored state contradicts itself. */
export class InvalidShareState extends Error {
  override readonly name = 'InvalidShareState'
}

/**
 * The offsets that a stored state left out: records that were never acquired before others behind
 * them were. They are offered first.
 */
export interface Gaps {
  /** The next offset of which nothing is known. */
  fromOffset: number
  /** The end offset when the state was loaded; if that moves on, the gaps are over. */
  readonly endOffset: number
}

/**
 * The records of a partition that a share group has been given and not dealt with for good, on the
 * partition's leader (Kafka's `SharePartition`). Without clock, disk and network: the caller stores
 * each change and tells whether it was stored.
 */
export class SharePartition {
  readonly inFlight = new InFlight()
  readonly stateEpoch: number
  /** Below it everything is dealt with. */
  startOffset: number
  /** The last offset in flight; the start offset if nothing is. */
  endOffset: number
  gaps: Gaps | null = null
  /** Number of records from the start offset on that need no further delivery. */
  terminalCount = 0
  /** Whether records before the end offset may be available again. */
  mayHaveReturned = false
  private readonly rulesNow: () => ShareRules

  /** @throws InvalidShareState */
  constructor(stored: StoredState, rules: () => ShareRules) {
    this.rulesNow = rules
    this.stateEpoch = stored.stateEpoch
    this.startOffset = stored.startOffset
    this.endOffset = stored.startOffset
    this.load(stored.batches)
  }

  get rules(): ShareRules {
    return this.rulesNow()
  }

  get recordsInFlight(): number {
    return this.inFlight.isEmpty ? 0 : this.endOffset - this.startOffset + 1
  }

  /** The gaps of the stored state; null if there are none, or once new records are acquired. */
  get openGaps(): Gaps | null {
    return this.gaps?.endOffset === this.endOffset ? this.gaps : null
  }

  /** The offset from which to read records for the next acquisition. */
  nextFetchOffset(): number {
    const { last } = this.inFlight
    const isEmpty = last === undefined || this.startOffset > last.lastOffset
    const returned = this.mayHaveReturned && !isEmpty ? this.firstFree() : null
    if (returned !== null) return returned
    this.mayHaveReturned = false
    return isEmpty ? this.endOffset : this.endOffset + 1
  }

  /** Whether the limit of records in flight permits an acquisition. */
  canAcquire(): boolean {
    if (this.nextFetchOffset() !== this.endOffset + 1) return true
    return this.recordsInFlight < this.rules.recordsMax
  }

  /** Follows the log start offset: records before it cannot be delivered any more. */
  moveStart(logStartOffset: number): void {
    if (logStartOffset <= this.startOffset) return
    if (this.inFlight.isEmpty) {
      this.startOffset = logStartOffset
      this.endOffset = logStartOffset
      this.terminalCount = 0
      return
    }
    const gone = this.countTerminalBefore(logStartOffset)
    const { all } = this.inFlight
    const archived = this.archive(all, this.startOffset, logStartOffset, 'available', false)
    if (archived) this.mayHaveReturned = true
    this.startOffset = logStartOffset
    this.terminalCount -= gone
    this.endOffset = Math.max(this.endOffset, logStartOffset)
  }

  /**
   * Archives the records of a range (`to` excluded) that are in a state.
   * @returns whether there were any.
   */
  archive(
    batches: readonly InFlightBatch[],
    from: number,
    to: number,
    state: DeliveryState,
    isCounted: boolean,
  ): boolean {
    let found = false
    for (const batch of batches) {
      if (batch.firstOffset >= to) break
      if (batch.whole !== null) {
        if (batch.whole.state !== state) continue
        if (!batch.isWithin(from, to - 1)) batch.split()
      }
      const { whole } = batch
      for (const [, delivery] of batch.each(from, to - 1)) {
        if (delivery.state !== state) continue
        delivery.archive()
        if (isCounted) this.terminalCount += whole === null ? 1 : countOf(batch)
        found = true
      }
    }
    return found
  }

  /** Notes that offsets before this one are acquired, so that gaps begin behind it. */
  closeGapsBefore(offset: number): void {
    const { openGaps } = this
    if (openGaps !== null && offset <= openGaps.endOffset) openGaps.fromOffset = offset
    else this.gaps = null
  }

  /** The number of records of a batch that are not before the start offset. */
  countFromStart({ firstOffset, lastOffset }: OffsetRange): number {
    return Math.max(0, lastOffset - Math.max(this.startOffset, firstOffset) + 1)
  }

  /** Moves the start offset over what needs no further delivery. @returns whether it moved. */
  advance(): boolean {
    if (!this.canAdvance()) return false
    const { lastOffset, count } = this.terminalPrefix()
    if (lastOffset === -1) return false
    const { inFlight, openGaps } = this
    const last = inFlight.last!
    if (lastOffset === last.lastOffset) {
      this.startOffset = last.lastOffset + 1
      this.endOffset = this.startOffset
      inFlight.clear()
      this.terminalCount = 0
      return true
    }
    const batch = inFlight.floor(lastOffset)!
    const isWhole = batch.lastOffset === lastOffset
    const next = isWhole ? inFlight.after(batch.firstOffset)!.firstOffset : lastOffset + 1
    this.startOffset = Math.max(this.startOffset, next)
    if (isWhole && openGaps !== null) {
      this.startOffset = Math.min(this.startOffset, openGaps.fromOffset)
    }
    this.terminalCount -= count
    inFlight.dropBefore(isWhole ? batch.firstOffset + 1 : batch.firstOffset)
    return true
  }

  private load(stored: readonly StateBatch[]): void {
    let expected = this.startOffset
    let gap = -1
    for (const { firstOffset, lastOffset, state, attempts } of stored) {
      if (firstOffset < this.startOffset || lastOffset < firstOffset) {
        throw new InvalidShareState(
          `offsets ${firstOffset} to ${lastOffset} with the start offset ${this.startOffset}`,
        )
      }
      if (gap === -1 && firstOffset > expected) gap = expected
      expected = lastOffset + 1
      this.inFlight.put(new InFlightBatch(firstOffset, lastOffset, new Delivery(state, attempts)))
      if (isTerminal(state)) this.terminalCount += lastOffset - firstOffset + 1
    }
    const { last } = this.inFlight
    if (last === undefined) return
    this.mayHaveReturned = true
    this.endOffset = last.lastOffset
    if (gap !== -1) this.gaps = { fromOffset: gap, endOffset: this.endOffset }
    this.advance()
  }

  /** The first offset before the end that can be acquired: one of a gap, or an available one. */
  private firstFree(): number | null {
    const { openGaps } = this
    let gap = openGaps?.fromOffset ?? -1
    for (const batch of this.inFlight.all) {
      if (openGaps !== null) {
        if (batch.firstOffset > gap) return gap
        gap = Math.max(batch.lastOffset + 1, gap)
      }
      for (const [offset, delivery] of batch.each()) if (delivery.isFree) return offset
    }
    return null
  }

  private canAdvance(): boolean {
    const delivery = this.inFlight.floor(this.startOffset)?.at(this.startOffset)
    return delivery !== undefined && !delivery.isChanging && isTerminal(delivery.state)
  }

  /** The last offset of the records at the start that need no further delivery, -1 if none. */
  private terminalPrefix(): { lastOffset: number; count: number } {
    let [lastOffset, count] = [-1, 0]
    const { openGaps } = this
    for (const batch of this.inFlight.all) {
      if (openGaps !== null && batch.lastOffset >= openGaps.fromOffset) break
      const { whole } = batch
      for (const [offset, delivery] of batch.each()) {
        if (delivery.isChanging || !isTerminal(delivery.state)) return { lastOffset, count }
        lastOffset = whole === null ? offset : batch.lastOffset
        count += whole !== null ? this.countFromStart(batch) : offset >= this.startOffset ? 1 : 0
      }
    }
    return { lastOffset, count }
  }

  private countTerminalBefore(end: number): number {
    let count = 0
    for (const batch of this.inFlight.all) {
      if (batch.firstOffset >= end) break
      if (batch.whole !== null) {
        const { firstOffset } = batch
        const lastOffset = Math.min(end - 1, batch.lastOffset)
        if (isTerminal(batch.whole.state)) count += this.countFromStart({ firstOffset, lastOffset })
        continue
      }
      for (const [, delivery] of batch.each(this.startOffset, end - 1)) {
        if (isTerminal(delivery.state)) count++
      }
    }
    return count
  }
}
