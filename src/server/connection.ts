import type { Duplex } from 'node:stream'
import { type BufferPool, release } from '../base/buffer-pool.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { messageOf, stackOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import { type Piece, releaseAll } from '../base/pieces.ts'
import { BadLength, FrameCutter } from '../protocol/frame-cutter.ts'
import { Malformed } from '../protocol/schema.ts'
import { foreignProtocol } from './foreign-bytes.ts'
import type { Requester, RequestTurns } from './request-turns.ts'
import { SendQueue } from './send-queue.ts'
import type { Session } from './session.ts'
import type { Channel } from './transport.ts'

/** The response to one request, possibly pending. */
export interface Dispatched {
  /** Pieces of the response; null if none is sent; rejects if the connection must be closed. */
  readonly response: Promise<readonly Piece[] | null> | readonly Piece[] | null
  /** The later requests that may start before this one has been answered. */
  readonly overlap: Overlap
}

/**
 * Kafka processes one request of a connection at a time. Here a waiting Fetch blocks only other
 * Fetches (`others`), Produce requests run concurrently (`same`), all other requests keep Kafka's
 * order (`none`).
 */
export type Overlap = 'others' | 'same' | 'none'

export interface Dispatch {
  /** Reads the API key from the first bytes of a request, and how it may overlap with others. */
  peek(frame: Buffer): { readonly apiKey: number; readonly overlap: Overlap }
  dispatch(frame: Buffer, session: Session): Dispatched['response']
}

/** Thrown by `dispatch` to answer a request and then close the connection. */
export class LastAnswer extends Error {
  /** Null closes it without an answer. */
  readonly pieces: readonly Piece[] | null

  constructor(pieces: readonly Piece[] | null) {
    super('the connection is closed by its answer')
    this.pieces = pieces
  }
}

export interface ConnectionLimits {
  readonly frameBytesMax: number
  /** The limit before the client has authenticated (`sasl.server.max.receive.size`). */
  readonly loginFrameBytesMax: number
  /** Maximum number of unanswered requests; reading stops there. */
  readonly requestsInFlightMax: number
  /** Maximum bytes of waiting requests and of unanswered Produce requests; reading stops there. */
  readonly requestBytesMax: number
  /** Maximum bytes of unsent responses; no new request starts above it. */
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
 * One client connection: cuts bytes into requests and sends the responses in request order, even if
 * a later one is ready first. Stops reading while too many requests are in flight or the client
 * does not take its responses.
 */
export class Connection implements Requester {
  private readonly socket: Duplex
  private readonly session: Session
  private readonly dispatcher: Dispatch
  private readonly limits: ConnectionLimits
  private readonly logger: Logger
  private readonly cutter: FrameCutter
  private readonly sendQueue: SendQueue
  private readonly turns: RequestTurns
  /** Requests that wait to start. */
  private readonly waiting: Request[] = []
  /** Started requests, in order. The first one's response is sent first. */
  private readonly inFlight: Request[] = []
  /** Bytes of waiting requests and of started Produce requests. */
  private requestBytes = 0
  /** The number of bytes last reported to `turns`. */
  private heldBytes = 0
  /** Bytes read but not yet cut into requests, because too many requests wait already. */
  private uncut: Buffer | null = null
  private peerHasEnded = false
  private isPaused = false
  private isClosed = false
  /** For the idle sweep: monotonic time of the last known byte in or out, in ms. */
  private lastActiveMs: number
  /** Unsent bytes at the last sweep. */
  private untakenBytes = 0
  private readonly clock: Clock
  /** Rings when the client is no longer muted. */
  private muted: Timer | null = null
  private mutedUntilMs = 0

  constructor(options: {
    readonly channel: Channel
    readonly session: Session
    readonly dispatcher: Dispatch
    readonly limits: ConnectionLimits
    readonly logger: Logger
    readonly clock: Clock
    readonly pool: BufferPool
    readonly turns: RequestTurns
  }) {
    const { channel } = options
    this.socket = channel.stream
    this.session = options.session
    this.dispatcher = options.dispatcher
    this.limits = options.limits
    this.logger = options.logger
    this.clock = options.clock
    this.turns = options.turns
    this.sendQueue = new SendQueue({
      socket: channel.stream,
      descriptor: channel.descriptor,
      failed: (error) => this.failToSend(error),
      emptied: () => this.onRoom(),
    })
    this.lastActiveMs = options.clock.monotonicMs()
    this.cutter = new FrameCutter(
      options.limits.frameBytesMax,
      options.pool,
      channel.piecesAreReused,
    )
    this.socket.on('drain', () => {
      this.sendQueue.pump()
      this.onRoom()
    })
    this.socket.on('end', () => this.onPeerEnd())
    this.socket.once('close', () => this.onClose())
    channel.read((piece) => this.onBytes(piece))
  }

  /** Number of unanswered requests. */
  get pending(): number {
    return this.waiting.length + this.inFlight.length
  }

  /**
   * Whether the client has neither sent nor taken a byte since `sinceMs` (monotonic, in ms). As in
   * Kafka (`Selector.maybeCloseOldestConnection`), pending responses do not keep an idle connection
   * open.
   */
  isIdleSince(sinceMs: number): boolean {
    const { bytes } = this.sendQueue
    if (bytes !== this.untakenBytes) this.lastActiveMs = this.clock.monotonicMs()
    this.untakenBytes = bytes
    return this.lastActiveMs < sinceMs
  }

  /** When the client has last sent or taken a byte, as far as is known (monotonic, in ms). */
  get activeAtMs(): number {
    return this.lastActiveMs
  }

  close(reason: string): void {
    if (this.socket.destroyed) return
    this.logger.debug('closing a connection', { connection: this.session.id, reason })
    this.socket.destroy()
  }

  mute(forMs: number): void {
    const untilMs = this.clock.monotonicMs() + forMs
    if (this.isClosed || (this.muted !== null && untilMs <= this.mutedUntilMs)) return
    this.mutedUntilMs = untilMs
    this.muted?.clear()
    this.muted = this.clock.after(forMs, () => {
      this.muted = null
      this.goOn()
    })
    this.setFlow()
  }

  /** Handles bytes read from the channel. */
  private onBytes(piece: Buffer): void {
    this.lastActiveMs = this.clock.monotonicMs()
    // Responses that are ready at once are sent with one write per read.
    this.sendQueue.gather()
    if (this.uncut !== null) this.uncut = Buffer.concat([this.uncut, piece])
    else {
      const taken = this.cut(piece)
      if (taken < piece.byteLength) this.uncut = Buffer.from(piece.subarray(taken))
    }
    this.turns.ask(this)
    this.sendQueue.flush()
    this.setFlow()
  }

  /** Whether a waiting request may start; cuts more requests out of the bytes read, if needed. */
  mayBegin(): boolean {
    if (this.waiting.length === 0 && this.uncut !== null && !this.hasEnough) {
      const rest = this.uncut.subarray(this.cut(this.uncut))
      this.uncut = rest.byteLength > 0 ? rest : null
      if (this.peerHasEnded && this.isDone) this.sendQueue.end()
      this.setFlow()
    }
    return this.waiting.length > 0 && !this.socket.destroyed && this.mayStart(this.waiting[0]!)
  }

  beginNext(): void {
    const request = this.waiting.shift()!
    try {
      this.begin(request)
    } catch (error) {
      this.fail(error)
    }
    this.setFlow()
  }

  /**
   * Cuts requests out of the bytes read, up to the limits.
   * @returns the number of bytes consumed.
   */
  private cut(piece: Buffer): number {
    this.cutter.frameBytesMax = this.frameBytesMax
    try {
      return this.cutter.push(piece, this.onFrame)
    } catch (error) {
      if (error instanceof BadLength) this.noteBadLength(error)
      this.fail(error)
      return piece.byteLength
    }
  }

  private noteBadLength({ bytes, message }: BadLength): void {
    const spoken = foreignProtocol(bytes)
    const why = spoken === null ? message : `the client speaks ${spoken}`
    this.logger.warn(`a connection is closed: ${why}`, {
      client: this.session.clientHost,
      listener: this.session.listenerName,
    })
  }

  /** @returns whether another request may be read. */
  private readonly onFrame = (frame: Buffer): boolean => {
    const { apiKey, overlap } = this.dispatcher.peek(frame)
    this.waiting.push({ frame, apiKey, overlap, done: false, pieces: null })
    this.requestBytes += frame.byteLength
    return !this.hasEnough
  }

  private get frameBytesMax(): number {
    const { frameBytesMax, loginFrameBytesMax } = this.limits
    return this.session.isAuthenticated ? frameBytesMax : loginFrameBytesMax
  }

  /** Whether a limit for unanswered requests is reached, of this connection or of all. */
  private get hasEnough(): boolean {
    // Bytes behind a login request stay uncut until the login has succeeded.
    if (!this.session.isAuthenticated) return this.pending > 0
    const { requestsInFlightMax, requestBytesMax } = this.limits
    if (this.pending >= requestsInFlightMax || this.requestBytes >= requestBytesMax) return true
    this.noteHeld()
    return this.turns.isFull(this.goOn)
  }

  /** Reports to `turns` how many bytes the connection's requests hold now. */
  private noteHeld(): void {
    // Requests of a login do not count, as in Kafka: clients that have not logged in must not be
    // able to stop the others by `queued.max.request.bytes`.
    const isCounted = !this.isClosed && this.session.isAuthenticated
    const bytes = isCounted ? this.requestBytes + this.cutter.heldBytes : 0
    this.turns.noteHeld(bytes - this.heldBytes)
    this.heldBytes = bytes
  }

  private mayStart({ apiKey }: Request): boolean {
    if (this.muted !== null || this.sendQueue.bytes > this.limits.responseBytesMax) return false
    if (this.inFlight.length >= this.limits.requestsInFlightMax) return false
    return this.inFlight.every(
      (other) =>
        other.done ||
        (other.overlap === 'others' && other.apiKey !== apiKey) ||
        (other.overlap === 'same' && other.apiKey === apiKey),
    )
  }

  private begin(request: Request): void {
    const { frame, apiKey } = request
    this.inFlight.push(request)
    const response = this.dispatcher.dispatch(frame, this.session)
    if (apiKey !== produceKey) this.requestBytes -= frame.byteLength
    if (!(response instanceof Promise)) return this.finish(request, response)
    response.then(
      (pieces) => {
        this.finish(request, pieces)
        this.goOn()
      },
      (error) => this.fail(error),
    )
  }

  private finish(request: Request, pieces: readonly Piece[] | null): void {
    // Handlers of other requests may keep parts of their frames for ever. A Produce is over when it
    // is answered; if its records are still being written, the write holds the frame too.
    if (request.apiKey === produceKey) {
      this.requestBytes -= request.frame.byteLength
      release(request.frame)
    }
    request.done = true
    request.pieces = pieces
    while (this.inFlight[0]?.done === true) {
      const { pieces: ready } = this.inFlight.shift()!
      if (ready === null) continue
      if (this.socket.destroyed) {
        releaseAll(ready)
        continue
      }
      this.lastActiveMs = this.clock.monotonicMs()
      this.sendQueue.push(ready)
    }
    if (this.peerHasEnded && this.isDone) this.sendQueue.end()
  }

  /** Starts waiting requests, and resumes reading if there is room. */
  private readonly goOn = (): void => {
    this.turns.ask(this)
    this.setFlow()
  }

  private setFlow(): void {
    this.noteHeld()
    // A partly received frame is read to its end: its memory cannot be freed before.
    const tooMuch =
      this.uncut !== null ||
      this.muted !== null ||
      this.sendQueue.bytes > this.limits.responseBytesMax ||
      (this.hasEnough && this.cutter.heldBytes === 0)
    if (tooMuch === this.isPaused) return
    this.isPaused = tooMuch
    if (tooMuch) this.socket.pause()
    else this.socket.resume()
  }

  /** Called when the client has taken some of the pending response bytes. */
  private onRoom(): void {
    this.lastActiveMs = this.clock.monotonicMs()
    this.goOn()
  }

  /** Called when the client has half-closed: it may still read its pending responses. */
  private onPeerEnd(): void {
    this.peerHasEnded = true
    if (this.isDone) this.sendQueue.end()
  }

  private get isDone(): boolean {
    return this.pending === 0 && this.uncut === null
  }

  /** Drops waiting requests; those in flight finish without a response. */
  private onClose(): void {
    this.isClosed = true
    this.muted?.clear()
    this.waiting.length = 0
    this.uncut = null
    this.turns.forget(this.goOn)
    this.noteHeld()
  }

  private closeWith(pieces: readonly Piece[] | null): void {
    if (this.socket.destroyed) return
    this.socket.once('finish', () => this.socket.destroy())
    if (pieces !== null) this.sendQueue.push(pieces)
    this.sendQueue.end()
  }

  /** Closes the connection because response bytes cannot be read: the client must retry. */
  private failToSend(error: unknown): void {
    this.logger.warn('records could not be read while they were sent; the connection is closed', {
      connection: this.session.id,
      error: messageOf(error),
    })
    this.socket.destroy()
  }

  private fail(error: unknown): void {
    if (error instanceof LastAnswer) this.closeWith(error.pieces)
    else if (error instanceof Malformed) this.close(error.message)
    else {
      this.logger.error('a request failed in the broker; its connection is closed', {
        connection: this.session.id,
        error: stackOf(error),
      })
      this.socket.destroy()
    }
  }
}

const produceKey = 0
