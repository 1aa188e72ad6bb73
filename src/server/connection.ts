import type { Socket } from 'node:net'
import type { BufferPool } from '../base/buffer-pool.ts'
import type { Logger } from '../base/logger.ts'
import type { Piece } from '../base/pieces.ts'
import { FrameCutter, largeFrameBytes } from '../protocol/frame-cutter.ts'
import { Malformed } from '../protocol/schema.ts'
import type { GatheredReads, Inflow } from './gathered-reads.ts'
import type { ConnectionState } from './handler.ts'
import { Outbox } from './outbox.ts'
import type { ReadPlace } from './read-place.ts'
import { descriptorOf } from './socket-descriptor.ts'

/** What becomes of one request. */
export interface Dispatched {
  /** The response's pieces; null when none is sent; rejects when the connection must be closed. */
  readonly response: Promise<readonly Piece[] | null> | readonly Piece[] | null
  /** Which requests may start before this one has been answered. */
  readonly overlap: Overlap
}

/**
 * Kafka works on one request of a connection at a time. A waiting Fetch holds up nobody here
 * (`any`), Produce requests go side by side (`same`), all others keep Kafka's order (`none`).
 */
export type Overlap = 'any' | 'same' | 'none'

export interface Dispatch {
  /** What can be told of a request from its first bytes: may it overlap, and with whom. */
  peek(frame: Buffer): { readonly apiKey: number; readonly overlap: Overlap }
  dispatch(frame: Buffer, connection: ConnectionState): Dispatched['response']
}

export interface ConnectionLimits {
  readonly frameBytesMax: number
  /** Requests read and not yet answered; the socket is paused above. */
  readonly requestsInFlightMax: number
  /** Bytes of responses that the peer has not taken; no new request starts above. */
  readonly responseBytesMax: number
}

interface Request {
  readonly frame: Buffer
  readonly apiKey: number
  readonly overlap: Overlap
  done: boolean
  pieces: readonly Piece[] | null
}

/**
 * Bytes in, frames out. Responses leave in the order of their requests, whatever each waits for;
 * reading stops while too much is in flight or the peer does not take its answers.
 */
export class Connection {
  private readonly socket: Socket
  private readonly state: ConnectionState
  private readonly dispatcher: Dispatch
  private readonly limits: ConnectionLimits
  private readonly logger: Logger
  private readonly cutter: FrameCutter
  private readonly pool: BufferPool
  private readonly readPlace: ReadPlace | null
  private readonly outbox: Outbox
  private readonly inflow: Inflow | null
  /** Requests that wait for their turn to start. */
  private readonly waiting: Request[] = []
  /** Requests that have started, in order; the first that is done is answered first. */
  private readonly inFlight: Request[] = []
  private peerHasEnded = false
  private isPaused = false
  private isStarting = false
  /** For the idle sweep: monotonic milliseconds of the last byte in or out. */
  lastActiveMs: number
  private readonly monotonicMs: () => number

  constructor(o: {
    readonly socket: Socket
    /** Where the socket reads into; null where what `onBytes` gets is fresh memory each time. */
    readonly readPlace: ReadPlace | null
    readonly state: ConnectionState
    readonly dispatcher: Dispatch
    readonly limits: ConnectionLimits
    readonly logger: Logger
    readonly monotonicMs: () => number
    readonly pool: BufferPool
    readonly gatheredReads: GatheredReads
  }) {
    this.socket = o.socket
    this.state = o.state
    this.dispatcher = o.dispatcher
    this.limits = o.limits
    this.logger = o.logger
    this.monotonicMs = o.monotonicMs
    this.pool = o.pool
    this.readPlace = o.readPlace
    const descriptor = descriptorOf(o.socket)
    this.inflow = o.gatheredReads.inflow(descriptor)
    this.outbox = new Outbox({
      socket: o.socket,
      descriptor,
      pool: o.pool,
      failed: (error) => this.failToSend(error),
      emptied: () => this.onRoom(),
    })
    this.lastActiveMs = o.monotonicMs()
    this.cutter = new FrameCutter(o.limits.frameBytesMax, o.pool, o.readPlace !== null)
    this.socket.setNoDelay(true)
    this.socket.on('drain', () => {
      this.outbox.pump()
      this.onRoom()
    })
    this.socket.on('end', () => this.onPeerEnd())
    this.socket.once('close', () => this.inflow?.stop())
  }

  /** Requests that were read and not yet answered. */
  get pending(): number {
    return this.waiting.length + this.inFlight.length
  }

  get isIdle(): boolean {
    return this.pending === 0 && this.outbox.bytes === 0
  }

  close(reason: string): void {
    if (this.socket.destroyed) return
    this.logger.debug('closing a connection', { connection: this.state.id, reason })
    this.socket.destroy()
  }

  /** Where the socket's next bytes are best read into; of a connection that has a place for them. */
  placeOfNext(): Buffer {
    return this.cutter.placeOfNext(this.readPlace!.next())
  }

  /** What the socket brought. */
  onBytes(piece: Buffer): void {
    this.lastActiveMs = this.monotonicMs()
    this.inflow?.note(piece.byteLength, this.lastActiveMs)
    // What one read asks for is answered with one write, as far as it can be at once.
    this.outbox.gather()
    try {
      this.cutter.push(piece, this.onFrame, this.readPlace?.isOwn(piece))
    } catch (error) {
      this.fail(error)
    }
    this.outbox.flush()
    this.setFlow()
  }

  private readonly onFrame = (given: Buffer, isShared: boolean): void => {
    const { apiKey, overlap } = this.dispatcher.peek(given)
    const isProduce = apiKey === produceKey
    // Of other requests something may be kept for ever.
    const frame = isShared && !isProduce ? Buffer.from(given) : given
    const request: Request = { frame, apiKey, overlap, done: false, pieces: null }
    this.waiting.push(request)
    this.start()
    if (!isProduce || given.byteLength < largeFrameBytes) return
    this.readPlace?.noteLarge()
    if (isShared && !request.done) this.readPlace?.keep()
  }

  /** Starts waiting requests as far as order and limits allow. */
  private start(): void {
    if (this.isStarting) return
    this.isStarting = true
    try {
      while (this.waiting.length > 0 && this.mayStart(this.waiting[0]!)) {
        this.begin(this.waiting.shift()!)
      }
    } catch (error) {
      this.fail(error)
    } finally {
      this.isStarting = false
    }
  }

  private mayStart({ apiKey }: Request): boolean {
    if (this.outbox.bytes > this.limits.responseBytesMax) return false
    if (this.inFlight.length >= this.limits.requestsInFlightMax) return false
    return this.inFlight.every(
      (other) =>
        other.done ||
        other.overlap === 'any' ||
        (other.overlap === 'same' && other.apiKey === apiKey),
    )
  }

  private begin(request: Request): void {
    this.inFlight.push(request)
    const response = this.dispatcher.dispatch(request.frame, this.state)
    if (!(response instanceof Promise)) return this.finish(request, response)
    response.then(
      (pieces) => {
        this.finish(request, pieces)
        this.start()
        this.setFlow()
      },
      (error) => this.fail(error),
    )
  }

  private finish(request: Request, pieces: readonly Piece[] | null): void {
    if (returnsItsFrame(request, pieces)) this.pool.release(request.frame)
    request.done = true
    request.pieces = pieces
    while (this.inFlight[0]?.done === true) {
      const { pieces: ready } = this.inFlight.shift()!
      if (ready === null || this.socket.destroyed) continue
      this.lastActiveMs = this.monotonicMs()
      this.outbox.push(ready)
    }
    if (this.peerHasEnded && this.pending === 0) this.outbox.end()
  }

  private setFlow(): void {
    const tooMuch =
      this.pending >= this.limits.requestsInFlightMax ||
      this.outbox.bytes > this.limits.responseBytesMax
    if (tooMuch === this.isPaused) return
    this.isPaused = tooMuch
    if (tooMuch) this.socket.pause()
    else this.socket.resume()
  }

  /** The peer has taken what was said, or some of it. */
  private onRoom(): void {
    this.lastActiveMs = this.monotonicMs()
    this.start()
    this.setFlow()
  }

  /** The peer sends no more, but may still read: what it asked for is answered first. */
  private onPeerEnd(): void {
    this.peerHasEnded = true
    if (this.pending === 0) this.outbox.end()
  }

  /** The client is owed bytes that cannot be had: it must ask again. */
  private failToSend(error: unknown): void {
    this.logger.warn('records could not be read while they were sent; the connection is closed', {
      connection: this.state.id,
      error: error instanceof Error ? error.message : String(error),
    })
    this.socket.destroy()
  }

  private fail(error: unknown): void {
    if (error instanceof Malformed) this.close(error.message)
    else {
      this.logger.error('a request failed in the broker; its connection is closed', {
        connection: this.state.id,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      })
      this.socket.destroy()
    }
  }
}

const produceKey = 0

/**
 * Whether nobody holds a part of the request's frame when it has been answered. So it is with
 * Produce: its records are on the disk by then, and what readers at the tail get is a copy. Without
 * an answer (acks 0) they may still be on their way.
 */
function returnsItsFrame({ apiKey }: Request, response: readonly Piece[] | null): boolean {
  return apiKey === produceKey && response !== null
}
