import { soon, turnMsMax } from '../base/turns.ts'

/** A connection that has requests to start. */
export interface Requester {
  /** Whether a request waits that the connection may start now. */
  mayBegin(): boolean
  /** Starts one request: runs its handler up to the first await. */
  beginNext(): void
}

export interface RequestTurnsOptions {
  /** `queued.max.requests`: maximum number of connections in the queue. */
  readonly queuedMax: number
  /** `queued.max.request.bytes`: maximum bytes of requests of all connections; no limit below 0. */
  readonly bytesMax: number
  readonly monotonicMs: () => number
  /** Calls back after all readable sockets have been read; tests inject their own. */
  readonly soon?: (run: () => void) => void
}

/** A connection whose requests take at most this long on average, in ms, is `short`. */
const shortMsMax = 4
/** Weight of the newest request in the average, so low that one outlier does not decide. */
const newestWeight = 0.25

/** `new`: no request of the connection has been served yet. */
type Kind = 'short' | 'new' | 'long'

interface Place {
  readonly requester: Requester
  /** Average duration of its requests in ms, each capped at one turn; null before the first one. */
  averageMs: number | null
  isQueued: boolean
}

/**
 * Orders the requests of a broker's connections. While there is time all start at once. When a turn
 * of the loop is used up, connections queue, in three lines by the duration of their past requests:
 * short ones first, so that a heartbeat does not wait for the metadata of ten thousand topics that
 * hundreds of others ask for; then alternately a new one and a long one. Each turn serves at least
 * one of these. Kafka has one line and eight threads (`RequestChannel`).
 */
export class RequestTurns {
  private readonly options: RequestTurnsOptions
  private readonly soon: (run: () => void) => void
  private readonly places = new WeakMap<Requester, Place>()
  private readonly lines: Readonly<Record<Kind, Place[]>> = { short: [], new: [], long: [] }
  private queued = 0
  /** The one of the two slower lines that was served last. */
  private lastSlow: Kind = 'long'
  private turnStartedMs = Number.NEGATIVE_INFINITY
  private isScheduled = false
  private heldBytes = 0
  /** Callbacks of connections that do not read until there is room. */
  private readonly paused = new Set<() => void>()

  constructor(options: RequestTurnsOptions) {
    this.options = options
    this.soon = options.soon ?? soon
  }

  /** Starts the requests of a connection: at once within this turn of the loop, else queues it. */
  ask(requester: Requester): void {
    const place = this.placeOf(requester)
    if (place.isQueued) return
    while (this.queued === 0 && !this.isOver() && requester.mayBegin()) this.serve(place)
    if (requester.mayBegin()) this.enqueue(place)
  }

  /** Adds to the bytes that all requests hold. */
  noteHeld(changeBytes: number): void {
    this.heldBytes += changeBytes
    if (changeBytes < 0) this.resume()
  }

  /** Whether no more requests should be read now; if so, `resumed` is called when there is room. */
  isFull(resumed: () => void): boolean {
    if (!this.isAboveLimits()) return false
    this.paused.add(resumed)
    return true
  }

  /** Forgets a closed connection. */
  forget(resumed: () => void): void {
    this.paused.delete(resumed)
  }

  private isAboveLimits(): boolean {
    const { queuedMax, bytesMax } = this.options
    return this.queued >= queuedMax || (bytesMax > 0 && this.heldBytes >= bytesMax)
  }

  private resume(): void {
    if (this.paused.size === 0 || this.isAboveLimits()) return
    const all = [...this.paused]
    this.paused.clear()
    this.soon(() => {
      for (const resumed of all) resumed()
    })
  }

  private placeOf(requester: Requester): Place {
    let place = this.places.get(requester)
    if (place === undefined) {
      place = { requester, averageMs: null, isQueued: false }
      this.places.set(requester, place)
    }
    return place
  }

  private isOver(): boolean {
    return this.options.monotonicMs() - this.turnStartedMs >= turnMsMax
  }

  private serve(place: Place): void {
    const startedMs = this.options.monotonicMs()
    place.requester.beginNext()
    const tookMs = Math.min(this.options.monotonicMs() - startedMs, turnMsMax)
    place.averageMs = average(place.averageMs, tookMs)
  }

  private enqueue(place: Place): void {
    place.isQueued = true
    this.queued++
    this.lines[kindOf(place)].push(place)
    this.schedule()
  }

  private run(): void {
    this.isScheduled = false
    this.turnStartedMs = this.options.monotonicMs()
    // Connections that queue again in this turn wait for the next one.
    for (let left = this.lines.short.length; left > 0 && !this.isOver(); left--) {
      this.serveNext('short')
    }
    do this.serveSlow()
    while (this.queued > 0 && !this.isOver())
    this.schedule()
    this.resume()
  }

  /** Serves one connection of a slower line, or a short one if both are empty. */
  private serveSlow(): void {
    const other = this.lastSlow === 'long' ? 'new' : 'long'
    const order: readonly Kind[] = [other, this.lastSlow, 'short']
    const kind = order.find((one) => this.lines[one].length > 0)
    if (kind === undefined) return
    if (kind !== 'short') this.lastSlow = kind
    this.serveNext(kind)
  }

  private serveNext(kind: Kind): void {
    const place = this.lines[kind].shift()!
    place.isQueued = false
    this.queued--
    if (place.requester.mayBegin()) this.serve(place)
    if (place.requester.mayBegin()) this.enqueue(place)
  }

  private schedule(): void {
    if (this.queued === 0 || this.isScheduled) return
    this.isScheduled = true
    this.soon(() => this.run())
  }
}

function average(before: number | null, tookMs: number): number {
  return before === null ? tookMs : before + (tookMs - before) * newestWeight
}

function kindOf({ averageMs }: Place): Kind {
  if (averageMs === null) return 'new'
  return averageMs <= shortMsMax ? 'short' : 'long'
}
