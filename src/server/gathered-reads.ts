import type { Clock, Timer } from '../base/clock.ts'
import { LoadedLater } from '../base/loaded-later.ts'
import type { ReceiveLowWater } from '../base/receive-low-water.ts'
import type { SocketDescriptor } from '../base/sendfile.ts'

/** How long one looks at what comes, before one says how fast it does. */
const windowMs = 50
/** Who sends faster is gathered, until slower than the second; in bytes a millisecond, or kB/s. */
const streams = { from: 100_000, until: 85_000 } as const
/**
 * So much is gathered at the most; for less than the least it is not worth it: who sends no more than that without
 * an answer would rather wait than we.
 */
export const gatheredBytes = { min: 512 * 1024, max: 1536 * 1024 } as const
/** Between two sizes there is so much, lest the kernel be told of each little change. */
const stepBytes = 128 * 1024
/** The kernel keeps up to twice the bytes for each. */
const connectionsMax = 32
/** Who was kept waiting again so soon sends no more before it is answered. */
const soonMs = 250
/** So often in a row it may be chance. */
const stallsMax = 3
/** After so long somebody who was kept waiting is tried with more; each time in vain, after twice as long. */
const trialMs = { first: 1000, max: 64_000 } as const

export interface GatheredReadsOptions {
  /** How long what has come may wait for more, where it comes as fast as it did. 0: not at all. */
  readonly waitMs: number
  /** Resolves with null where the kernel cannot be asked. */
  readonly load: () => Promise<ReceiveLowWater | null>
  readonly clock: Clock
}

/**
 * Has the kernel gather what a producer streams, and wake the broker for more of it at a time. The code and the
 * tables that a request needs are out of the processor's caches when the broker has slept: the second of two
 * requests costs but two thirds of the first. Only connections that bring 100 MB a second and more wait, and nobody
 * for longer than it takes to notice that no more is coming.
 */
export class GatheredReads {
  private readonly o: GatheredReadsOptions
  private readonly lowWater: LoadedLater<ReceiveLowWater>
  private readonly inflows = new Set<Inflow>()
  private timer: Timer | null = null

  constructor(o: GatheredReadsOptions) {
    this.o = o
    this.lowWater = new LoadedLater(o.load)
    if (o.waitMs === 0) this.lowWater.giveUp()
  }

  /** @param socket null where the kernel's number of it is not known: nothing is gathered then. */
  inflow(socket: SocketDescriptor | null): Inflow | null {
    return socket === null || this.lowWater.now === null ? null : new Inflow(this, socket)
  }

  get waitMs(): number {
    return this.o.waitMs
  }

  /** Has a socket wait for so many bytes. @returns whether it does. */
  begin(inflow: Inflow, bytes: number): boolean {
    const lowWater = this.lowWater.wanted()
    if (!lowWater) return false
    if (this.inflows.size >= connectionsMax && !this.inflows.has(inflow)) return false
    if (!lowWater.set(inflow.socket, bytes)) return false
    this.inflows.add(inflow)
    this.arm()
    return true
  }

  /** What waits is read at once. @returns how much that is. */
  end(inflow: Inflow): number {
    if (!this.inflows.delete(inflow)) return 0
    const waiting = this.lowWater.now?.waiting(inflow.socket) ?? 0
    this.lowWater.now?.set(inflow.socket, 1)
    return waiting
  }

  private arm(): void {
    this.timer ??= this.o.clock.after(2 * this.o.waitMs, () => {
      this.timer = null
      const nowMs = this.o.clock.monotonicMs()
      for (const inflow of this.inflows) inflow.check(nowMs)
      if (this.inflows.size > 0) this.arm()
    })
  }
}

/** What comes in by one connection: how fast, and how much of it the kernel gathers. */
export class Inflow {
  readonly socket: SocketDescriptor
  private readonly reads: GatheredReads
  /** All that came, and how much that was when last looked at. */
  private total = 0
  private totalAtCheck = 0
  private totalAtWindow = 0
  private windowAtMs = 0
  /** What the kernel waits for; 0 for the least there is. */
  private gathered = 0
  /** What has proved to be too much for the other side, or the most there is. */
  private limit: number = gatheredBytes.max
  private stalledAtMs = Number.NEGATIVE_INFINITY
  private stallsSoon = 0
  /** The most that waited at one of these. */
  private stalledWith = 0
  private triedAtMs = Number.NEGATIVE_INFINITY
  private trialAtMs = 0
  private trialMs: number = trialMs.first

  constructor(reads: GatheredReads, socket: SocketDescriptor) {
    this.reads = reads
    this.socket = socket
  }

  /** Bytes have come. */
  note(bytes: number, nowMs: number): void {
    this.total += bytes
    const ms = nowMs - this.windowAtMs
    if (ms < windowMs) return
    const came = this.total - this.totalAtWindow
    this.windowAtMs = nowMs
    this.totalAtWindow = this.total
    this.adapt(came / ms, nowMs)
  }

  /** Called now and then while something is gathered: has nothing come since, what waits is read. */
  check(nowMs: number): void {
    const isMoving = this.total !== this.totalAtCheck
    this.totalAtCheck = this.total
    if (isMoving) return
    const waiting = this.stop()
    if (waiting > 0) this.noteStall(waiting, nowMs)
  }

  /** The connection is closed, or shall be read from as it comes. @returns how much waits. */
  stop(): number {
    this.gathered = 0
    return this.reads.end(this)
  }

  private adapt(bytesPerMs: number, nowMs: number): void {
    if (this.limit < gatheredBytes.max && nowMs >= this.trialAtMs) {
      this.limit = Math.min(2 * this.limit, gatheredBytes.max)
      this.triedAtMs = nowMs
      this.trialAtMs = nowMs + trialMs.first
    }
    const isStream = bytesPerMs >= (this.gathered > 0 ? streams.until : streams.from)
    const wanted = isStream ? Math.min(bytesPerMs * this.reads.waitMs, this.limit) : 0
    const bytes = wanted - (wanted % stepBytes)
    if (bytes === this.gathered) return
    if (bytes < gatheredBytes.min) this.stop()
    else if (this.reads.begin(this, bytes)) this.gathered = bytes
  }

  /**
   * The other side may have paused. But is it so again and again, then it waits for answers: less must be
   * gathered than it ever sends without one.
   */
  private noteStall(waiting: number, nowMs: number): void {
    if (nowMs - this.stalledAtMs > soonMs) {
      this.stallsSoon = 0
      this.stalledWith = 0
    }
    this.stalledAtMs = nowMs
    this.stalledWith = Math.max(this.stalledWith, waiting)
    if (++this.stallsSoon < stallsMax) return
    this.limit = Math.min(this.limit, (3 / 4) * this.stalledWith)
    this.stallsSoon = 0
    const isInVain = nowMs - this.triedAtMs < trialMs.first
    this.trialMs = isInVain ? Math.min(2 * this.trialMs, trialMs.max) : trialMs.first
    this.trialAtMs = nowMs + this.trialMs
  }
}
