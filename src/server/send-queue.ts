import type { Writable } from 'node:stream'
import { isLent, release } from '../base/buffer-pool.ts'
import { isAtHand, type LaterBytes, type Piece, releaseAll } from '../base/pieces.ts'
import type { SocketDescriptor } from '../base/sendfile.ts'
import { soon } from '../base/turns.ts'

/** Maximum bytes read from a file, or sent by the kernel, at a time. */
const someBytes = 1024 * 1024
/** Maximum bytes sent by the kernel per turn, however fast the client takes them. */
const turnBytes = 4 * 1024 * 1024

interface Reading {
  readonly from: LaterBytes
  at: number
}

export interface SendQueueOptions {
  readonly socket: Writable
  /** The socket's file descriptor, for `LaterBytes.send`; null if unknown. */
  readonly descriptor: SocketDescriptor | null
  /** Called when a file cannot be read: the response cannot be completed. */
  readonly failed: (error: unknown) => void
  /** Called when no bytes from files are left to send. */
  readonly emptied: () => void
}

/**
 * The bytes that a connection has to send, in order. Bytes in memory go to the socket at once.
 * Bytes in files are sent by the kernel, or read, as the client takes them, so that a consumer
 * costs only the memory of the bytes in transit.
 */
export class SendQueue {
  private readonly options: SendQueueOptions
  private readonly socket: Writable
  /**
   * Bytes read when the kernel took less than offered: once they are sent, there is room again.
   * With fewer the stream would emit no `drain` then.
   */
  private readonly probeBytes: number
  /** Pieces that wait for a file region before them. */
  private readonly queue: Piece[] = []
  /** Bytes of the queue and of the rest of `reading`; no piece is empty. */
  private queuedBytes = 0
  private reading: Reading | null = null
  private isPumping = false
  private isCorked = false
  /** Whether `flush` will be called in this turn. */
  private willFlush = false
  private isEnding = false
  private isDirect: boolean
  private handedBytes = 0

  constructor(options: SendQueueOptions) {
    this.options = options
    this.socket = options.socket
    this.probeBytes = options.socket.writableHighWaterMark
    this.isDirect = options.descriptor !== null
    // A closed client takes no more bytes: release the files held for it.
    options.socket.once('close', () => this.drop())
  }

  /** Returns the number of unsent bytes. */
  get bytes(): number {
    return this.queuedBytes + this.socket.writableLength
  }

  push(pieces: readonly Piece[]): void {
    if (this.queuedBytes === 0 && pieces.every(isAtHand)) {
      this.send(pieces)
      return
    }
    for (const piece of pieces) {
      this.queue.push(piece)
      this.queuedBytes += piece.byteLength
    }
    this.pump()
  }

  /** Continues to send, when the socket has room again. */
  pump(): void {
    if (this.isPumping || this.queuedBytes === 0) return
    this.isPumping = true
    this.sendAll().catch((error: unknown) => {
      this.drop()
      this.options.failed(error)
    })
  }

  /** Ends the connection after everything is sent. */
  end(): void {
    this.isEnding = true
    if (this.queuedBytes > 0) return
    this.flush()
    this.socket.end()
  }

  /** Holds bytes back until `flush`, which the caller must call in this turn of the loop. */
  gather(): void {
    this.willFlush = true
  }

  /** Sends the bytes held back by `gather`. */
  flush(): void {
    this.willFlush = false
    if (!this.isCorked) return
    this.isCorked = false
    this.socket.uncork()
  }

  private async sendAll(): Promise<void> {
    try {
      for (;;) {
        const more = this.sendNext()
        if (!(more instanceof Promise ? await more : more)) break
      }
    } finally {
      // Synchronously, not a turn later: else pieces pushed meanwhile would not be sent.
      this.isPumping = false
    }
    if (this.socket.destroyed) this.drop()
    else if (this.queuedBytes === 0) {
      if (this.isEnding) this.end()
      this.options.emptied()
    }
  }

  /** @returns whether to call it again at once. */
  private sendNext(): boolean | Promise<boolean> {
    if (this.socket.destroyed) return false
    if (this.reading !== null) {
      return this.socket.writableNeedDrain ? false : this.sendSome(this.reading)
    }
    const atHand: Uint8Array[] = []
    while (this.queue.length > 0 && isAtHand(this.queue[0]!)) {
      atHand.push(this.queue.shift() as Uint8Array)
    }
    if (atHand.length > 0) {
      for (const { byteLength } of atHand) this.queuedBytes -= byteLength
      this.send(atHand)
    }
    const next = this.queue.shift() as LaterBytes | undefined
    if (next === undefined) return false
    this.reading = { from: next, at: 0 }
    return true
  }

  private sendSome(reading: Reading): true | Promise<true> {
    const { from, at } = reading
    if (!this.isDirect || from.send === undefined) return this.write(reading, someBytes)
    // Bytes still in the stream must be sent first.
    this.flush()
    if (this.socket.writableLength > 0) return this.write(reading, this.probeBytes)
    const wanted = Math.min(someBytes, from.byteLength - at)
    const sent = from.send(this.options.descriptor!, at, wanted)
    if (!(sent instanceof Promise)) return this.handedOver(reading, wanted, sent)
    return sent.then((bytes) => this.handedOver(reading, wanted, bytes))
  }

  /** Accounts for `sent` of `wanted` bytes sent by the kernel. */
  private handedOver(reading: Reading, wanted: number, sent: number): true | Promise<true> {
    if (sent > 0) this.advance(reading, sent)
    if (sent === wanted) return this.giveTurn(sent)
    if (sent < 0) this.isDirect = false
    return this.socket.destroyed ? true : this.write(reading, this.probeBytes)
  }

  private async write(reading: Reading, bytesMax: number): Promise<true> {
    const { from, at } = reading
    const wanted = Math.min(bytesMax, from.byteLength - at)
    const bytes = await from.read(at, wanted)
    if (bytes.length < wanted) throw new Error('a file ends where records were promised')
    this.advance(reading, wanted)
    if (!this.socket.destroyed) this.send([bytes])
    else release(bytes)
    return true
  }

  private advance(reading: Reading, bytes: number): void {
    reading.at += bytes
    this.queuedBytes -= bytes
    if (reading.at < reading.from.byteLength) return
    this.reading = null
    reading.from.release?.()
  }

  private giveTurn(handedBytes: number): true | Promise<true> {
    this.handedBytes += handedBytes
    if (this.handedBytes < turnBytes) return true
    this.handedBytes = 0
    return new Promise((resolve) => soon(() => resolve(true)))
  }

  private drop(): void {
    releaseAll(this.queue.splice(0))
    this.queuedBytes = 0
    this.reading?.from.release?.()
    this.reading = null
  }

  /** Sends pieces; all pieces of one turn of the loop leave with one system call. */
  private send(pieces: readonly Uint8Array[]): void {
    const { socket } = this
    if (!this.isCorked) {
      this.isCorked = true
      socket.cork()
      this.flushLater()
    }
    // Records read from a file have no other holder: their memory is released once all are sent.
    const lent = pieces.filter(isLent)
    const last = pieces.length - 1
    for (let i = 0; i < last; i++) socket.write(pieces[i]!)
    if (lent.length === 0) socket.write(pieces[last]!)
    else socket.write(pieces[last]!, () => lent.forEach(release))
  }

  private flushLater(): void {
    if (this.willFlush) return
    this.willFlush = true
    process.nextTick(() => this.flush())
  }
}
