import type { Clock } from '../../base/clock.ts'
import type { BrokerState, Image } from '../image.ts'

/** Where a broker's last request came from. */
export type ContactKind =
  | 'remote'
  /** A node of this process, which falls silent only together with it. */
  | 'sameProcess'
  /** Unfenced when this controller began: as if it had been heard of at that moment. */
  | 'assumed'

interface Contact {
  readonly id: number
  readonly epoch: number
  readonly kind: ContactKind
  /** Monotonic time in ms. */
  readonly atMs: number
}

/** The contents of a broker's newest heartbeat, as far as the controller keeps them. */
export interface BrokerReport {
  /** Of the last heartbeat; -1 if there was none since its registration changed. */
  readonly metadataOffset: number
  /** It may stop when all others have the metadata up to here; -1 unless it is to stop. */
  readonly shutdownOffset: number
}

const nothing: BrokerReport = { metadataOffset: -1, shutdownOffset: -1 }

/** Maximum number of contacts; one more replaces the one silent for longest. */
const contactsMax = 10_000

/**
 * The time and the contents of each broker's newest heartbeat, which are not in the metadata
 * (Kafka's `BrokerHeartbeatManager` and `BrokerHeartbeatTracker`). A restart of the controller
 * loses them.
 */
export class BrokerSessions {
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private readonly timeoutMs: number
  /** By id and epoch, in the order of the last contact. */
  private readonly contacts = new Map<string, Contact>()
  private readonly reports = new Map<number, BrokerReport & { readonly epoch: number }>()

  /** @param timeoutMs `broker.session.timeout.ms` */
  constructor(clock: Pick<Clock, 'monotonicMs'>, timeoutMs: number) {
    this.clock = clock
    this.timeoutMs = timeoutMs
  }

  /** Begins with the brokers of a controller that has just begun to lead. */
  begin({ brokers }: Image): void {
    for (const { id, epoch, fenced } of brokers.values()) {
      if (!fenced) this.contact(id, epoch, 'assumed')
    }
  }

  /** A broker has sent a heartbeat, valid or not. */
  contact(id: number, epoch: number, kind: ContactKind): void {
    const key = `${id}:${epoch}`
    this.contacts.delete(key)
    if (this.contacts.size >= contactsMax) this.contacts.delete(this.contacts.keys().next().value!)
    this.contacts.set(key, { id, epoch, kind, atMs: this.clock.monotonicMs() })
  }

  /** Returns how a broker was last heard of; null if its session has ended, or never began. */
  sessionOf({ id, epoch }: BrokerState): ContactKind | null {
    const contact = this.contacts.get(`${id}:${epoch}`)
    return contact === undefined || this.isOver(contact) ? null : contact.kind
  }

  /** Forgets a broker that has been silent for too long, and returns it; null if there is none. */
  takeExpired(): { readonly id: number; readonly epoch: number } | null {
    for (const [key, contact] of this.contacts) {
      if (!this.isOver(contact)) continue
      this.contacts.delete(key)
      return contact
    }
    return null
  }

  reportOf({ id, epoch }: BrokerState): BrokerReport {
    const report = this.reports.get(id)
    return report?.epoch === epoch ? report : nothing
  }

  /** Notes what a broker of this epoch has reported. */
  note(id: number, epoch: number, report: BrokerReport): void {
    this.reports.set(id, { ...report, epoch })
  }

  /** A broker registers, perhaps the same incarnation again. */
  registered(id: number): void {
    this.reports.delete(id)
    for (const [key, contact] of this.contacts) {
      if (contact.id === id && contact.kind === 'sameProcess') this.contacts.delete(key)
    }
  }

  /** Returns up to where every broker that serves, and is not to stop, has the metadata. */
  lowestOffset({ brokers }: Image): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const broker of brokers.values()) {
      const { metadataOffset, shutdownOffset } = this.reportOf(broker)
      if (!broker.fenced && shutdownOffset < 0) lowest = Math.min(lowest, metadataOffset)
    }
    return lowest
  }

  private isOver({ atMs, kind }: Contact): boolean {
    return kind !== 'sameProcess' && this.clock.monotonicMs() > atMs + this.timeoutMs
  }
}
