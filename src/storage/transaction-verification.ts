/**
 * Returned when a coordinator is asked about a transaction; valid until the transaction continues.
 */
export type VerificationGuard = symbol

export interface TransactionVerification {
  readonly guard: VerificationGuard
  readonly sinceMs: number
  /** Whether the producer gets a new epoch for each transaction (transaction version 2). */
  readonly bumpsEpoch: boolean
  epoch: number
  /** Lowest base sequence of the waiting batches; a later one must not be appended before it. */
  lowestSequence: number
}

/**
 * Transactional appends of a partition that wait until the coordinator confirms that the partition
 * is part of the transaction. A marker written meanwhile removes the guard, so that no record can
 * begin a transaction that never ends (KIP-890, Kafka's `VerificationStateEntry`).
 */
export class TransactionVerifications {
  private readonly byProducer = new Map<number, TransactionVerification>()

  get size(): number {
    return this.byProducer.size
  }

  get(producerId: number): TransactionVerification | undefined {
    return this.byProducer.get(producerId)
  }

  begin(options: {
    readonly producerId: number
    readonly producerEpoch: number
    readonly sequence: number
    readonly bumpsEpoch: boolean
    readonly nowMs: number
  }): VerificationGuard {
    const { producerId, producerEpoch: epoch, sequence, bumpsEpoch, nowMs } = options
    const found = this.byProducer.get(producerId)
    if (found === undefined) {
      const guard = Symbol('verification')
      const state = { guard, sinceMs: nowMs, bumpsEpoch, epoch, lowestSequence: sequence }
      this.byProducer.set(producerId, state)
      return guard
    }
    if (epoch === found.epoch) found.lowestSequence = Math.min(found.lowestSequence, sequence)
    if (epoch > found.epoch) {
      found.epoch = epoch
      found.lowestSequence = sequence
    }
    return found.guard
  }

  /**
   * Handles an appended transactional batch of the producer: earlier verifications become invalid.
   */
  appended(
    producerId: number,
    options: { readonly isMarker: boolean; readonly epoch: number },
  ): void {
    const found = this.byProducer.get(producerId)
    if (found === undefined) return
    // A marker with the waiting epoch ended the previous transaction; the waiting one is the next.
    if (found.bumpsEpoch && options.isMarker && options.epoch === found.epoch) return
    this.byProducer.delete(producerId)
  }

  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, { sinceMs }] of this.byProducer) {
      if (nowMs - sinceMs >= expirationMs) this.byProducer.delete(producerId)
    }
  }

  clear(): void {
    this.byProducer.clear()
  }
}
