import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { NodeAddress } from '../channel/channel.ts'

/** Chances are from 0, never, to 1, always; each is decided for each request anew. */
export interface FaultRules {
  /** Longest delay of a request on its way, and of its response, in ms. */
  readonly delayMsMax: number
  /** The request gets lost, and with it all that its channel sends later. */
  readonly requestLost: number
  /** The request is carried out; its response and all later ones of the channel get lost. */
  readonly responseLost: number
  /** The request is carried out, but the connection ends before the response. */
  readonly connectionCut: number
  /** The request is carried out once more, on a connection of its own. */
  readonly duplicated: number
  /** Longest time between a request and its duplicate, in ms. */
  readonly duplicateDelayMsMax: number
  /** A channel without a connection gets none. */
  readonly connectionRefused: number
  /** The request waits until one of another channel has overtaken it. */
  readonly overtaken: number
  /** Longest time that a request waits to be overtaken, in ms. */
  readonly overtakingMsMax: number
  /** The requests that rules may touch; null for all. Separated nodes lose all of theirs. */
  readonly only: ((request: FaultSubject) => boolean) | null
}

export interface FaultSubject {
  readonly apiKey: number
  readonly from: number
  readonly to: number
}

export const noFaults: FaultRules = {
  delayMsMax: 0,
  requestLost: 0,
  responseLost: 0,
  connectionCut: 0,
  duplicated: 0,
  duplicateDelayMsMax: 0,
  connectionRefused: 0,
  overtaken: 0,
  overtakingMsMax: 0,
  only: null,
}

type Chance = Exclude<
  keyof FaultRules,
  'delayMsMax' | 'duplicateDelayMsMax' | 'overtakingMsMax' | 'only'
>

/** The faults that have happened, by number. */
export type FaultCounts = { [K in Chance | 'delayed' | 'separated']: number }

const grains = 1_000_000

/** Decides about all requests between nodes; a test changes the rules while they run. */
export class FaultyNetwork {
  /** Applies to what is sent, answered or delivered from now on. */
  rules: FaultRules = noFaults
  readonly counts: FaultCounts = {
    requestLost: 0,
    responseLost: 0,
    connectionCut: 0,
    duplicated: 0,
    connectionRefused: 0,
    overtaken: 0,
    delayed: 0,
    separated: 0,
  }
  readonly clock: Clock
  readonly random: Random
  private readonly separated = new Set<string>()
  private readonly nodeIds = new Map<string, number>()
  /** Requests that wait to be overtaken, by the channel that sends them. */
  private readonly overtakable = new Map<object, () => void>()

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.clock = clock
    this.random = random
  }

  /** Makes known which node has an address that is in settings, where no id stands. */
  place(nodeId: number, host: string, port: number): void {
    this.nodeIds.set(`${host}:${port}`, nodeId)
  }

  /** Returns the id of the node at an address; -1 if it is unknown. */
  nodeAt({ nodeId, host, port }: NodeAddress): number {
    return nodeId >= 0 ? nodeId : (this.nodeIds.get(`${host}:${port}`) ?? -1)
  }

  /** Loses all that two nodes send each other, until they are joined again. */
  separate(one: number, other: number): void {
    this.separated.add(pairOf(one, other))
  }

  join(one: number, other: number): void {
    this.separated.delete(pairOf(one, other))
  }

  joinAll(): void {
    this.separated.clear()
  }

  isSeparated(one: number, other: number): boolean {
    return this.separated.has(pairOf(one, other))
  }

  /** Decides whether a fault happens to a request, and counts it. */
  happens(chance: Chance, subject: FaultSubject): boolean {
    const { rules } = this
    if (rules[chance] === 0 || rules.only?.(subject) === false) return false
    if (this.random.int(grains) >= rules[chance] * grains) return false
    this.counts[chance]++
    return true
  }

  /** Returns the delay in ms of a request or a response. */
  delayMs(subject: FaultSubject): number {
    if (this.rules.only?.(subject) === false) return 0
    const delayMs = this.upTo(this.rules.delayMsMax)
    if (delayMs > 0) this.counts.delayed++
    return delayMs
  }

  /** Returns a random integer from 0 to `max`. */
  upTo(max: number): number {
    return max === 0 ? 0 : this.random.int(max + 1)
  }

  /** Calls `go` when a request of another channel is delivered. */
  letOvertake(channel: object, go: () => void): void {
    this.overtakable.set(channel, go)
  }

  /** Must be called when a request of a channel has been delivered, or the channel closes. */
  delivered(channel: object): void {
    for (const [other, go] of [...this.overtakable]) {
      if (other === channel) continue
      this.overtakable.delete(other)
      go()
    }
  }

  /** Forgets what `letOvertake` was asked for a channel. */
  forget(channel: object): void {
    this.overtakable.delete(channel)
  }
}

function pairOf(one: number, other: number): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}
