/** Handed out when a coordinator is asked about a transaction; good until the transaction goes on. */
export type VerificationGuard = symbol

export interface Verification {
  readonly guard: VerificationGuard
  readonly sinceMs: number
  /** Whether the producer gets a new epoch with each transaction (transaction version 2). */
  readonly bumpsEpoch: boolean
  epoch: number
  /** The lowest first sequence of all that waits; what comes later in order must not overtake it. */
  lowestSequence: number
}

/**
 * Transactional appends of a partition that wait for the coordinator's word that the partition is
 * part of the transaction. A marker that comes in between takes the guard away, so that no record
 * can begin a transaction that nobody will ever end (KIP-890, `VerificationStateEntry`).
 */
export class Verifications {
  private readonly byProducer = new Map<number, Verification>()

  get size(): number {
    return this.byProducer.size
  }

  get(producerId: number): Verification | undefined {
    return this.byProducer.get(producerId)
  }

  begin(o: {
    readonly producerId: number
    readonly producerEpoch: number
    readonly sequence: number
    readonly bumpsEpoch: boolean
    readonly nowMs: number
  }): VerificationGuard {
    const { producerId, producerEpoch: epoch, sequence, bumpsEpoch, nowMs } = o
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

  /** A transactional batch of the producer was appended: what was asked before is void. */
  appended(producerId: number, o: { readonly isMarker: boolean; readonly epoch: number }): void {
    const found = this.byProducer.get(producerId)
    if (found === undefined) return
    // A marker in the epoch that waits ended the transaction before; the next one has begun.
    if (found.bumpsEpoch && o.isMarker && o.epoch === found.epoch) return
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
