/**
 * States of a record in a share partition, with their codes in the share coordinator's records
 * (KIP-932; `archiving`, on the way to a dead letter queue, KIP-1191).
 */
export const deliveryStates = {
  available: 0,
  acquired: 1,
  acknowledged: 2,
  archiving: 3,
  archived: 4,
} as const
export type DeliveryState = keyof typeof deliveryStates

/** A record in such a state needs no further delivery. */
export const isTerminal = (state: DeliveryState) => state === 'acknowledged' || state === 'archived'

/** The limits under which deliveries change their states. */
export interface DeliveryRules {
  /** Attempts after which a record is not offered again (`group.share.delivery.count.limit`). */
  readonly attemptsMax: number
  /** Whether the group has a dead letter queue. */
  readonly hasDeadLetters: boolean
}

/** The member id of a record that no member has acquired. */
const nobody = ''

/** The state before a change that is not stored yet. */
interface Before {
  readonly state: DeliveryState
  readonly memberId: string
  readonly attemptsMax: number
}

/**
 * The delivery of one record, or of a batch whose records share everything (Kafka's
 * `InFlightState`).
 */
export class Delivery {
  state: DeliveryState
  /** Number of attempts so far, with the one in progress. */
  attempts: number
  /** The member that has acquired it; empty if none has. */
  memberId: string
  /** End of the acquisition lock, in ms by the clock of the caller; null without a lock. */
  lockedUntilMs: number | null
  private before: Before | null = null
  /** Archived for good while a change was being stored, which no longer matters. */
  private isGone = false

  constructor(
    state: DeliveryState,
    attempts: number,
    memberId = nobody,
    lockedUntilMs: number | null = null,
  ) {
    this.state = state
    this.attempts = attempts
    this.memberId = memberId
    this.lockedUntilMs = lockedUntilMs
  }

  /** A copy for one record of a batch; only a batch without a change in progress is split. */
  copy(): Delivery {
    return new Delivery(this.state, this.attempts, this.memberId, this.lockedUntilMs)
  }

  /** Whether a change of the state is being stored. */
  get isChanging(): boolean {
    return this.before !== null
  }

  get isFree(): boolean {
    return this.state === 'available' && !this.isChanging
  }

  /** Gives an available record to a member for another attempt. @returns whether it could. */
  acquire(memberId: string, lockedUntilMs: number): boolean {
    if (!this.isFree) return false
    this.state = 'acquired'
    this.attempts++
    this.memberId = memberId
    this.lockedUntilMs = lockedUntilMs
    return true
  }

  /** Undoes an acquisition that was never told to the member. */
  giveBack(): void {
    this.state = 'available'
    this.attempts--
    this.memberId = nobody
    this.lockedUntilMs = null
  }

  /**
   * Ends an attempt at once. A record without attempts left is archived instead of made available.
   * @returns whether it could.
   */
  finish(to: DeliveryState, rules: DeliveryRules): boolean {
    if (this.isChanging || this.state === to) return false
    if (this.state !== 'acquired' && this.state !== 'archiving') return false
    const isUsedUp = to === 'available' && this.attempts >= rules.attemptsMax
    this.state = isUsedUp ? (rules.hasDeadLetters ? 'archiving' : 'archived') : to
    this.memberId = nobody
    return true
  }

  /** As `finish`, but the change is `settle`d when it is stored. @returns whether it could. */
  beginToFinish(to: DeliveryState, rules: DeliveryRules): boolean {
    const before = { state: this.state, memberId: this.memberId, attemptsMax: rules.attemptsMax }
    if (!this.finish(to, rules)) return false
    this.before = before
    return true
  }

  /** Ends a change: keeps it if it is stored, else takes it back. */
  settle(isStored: boolean, nowMs: number): void {
    const { before } = this
    if (before === null) return
    this.before = null
    if (isStored || this.isGone) {
      this.lockedUntilMs = null
      return
    }
    // The lock may have ended in the meantime; its time-out left the record alone.
    if (this.lockedUntilMs !== null && this.lockedUntilMs <= nowMs) {
      this.state = this.attempts >= before.attemptsMax ? 'archived' : 'available'
      this.memberId = nobody
      this.lockedUntilMs = null
    } else {
      this.state = before.state
      this.memberId = before.memberId
    }
  }

  /** Archives it whatever its state is. */
  archive(): void {
    this.isGone = true
    this.state = 'archived'
    this.memberId = nobody
    this.lockedUntilMs = null
  }
}
