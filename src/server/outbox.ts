import type { Writable } from 'node:stream'
import type { BufferPool } from '../base/buffer-pool.ts'
import { isAtHand, type LaterBytes, type Piece } from '../base/pieces.ts'
import type { SocketDescriptor } from '../base/sendfile.ts'
import { writeNow } from './socket-descriptor.ts'

/** How much of what stands in files is read or handed over at a time. */
const someBytes = 1024 * 1024
/** What is said in one turn of the loop goes past the stream up to so many bytes. */
const saidBytesMax = 16 * 1024
/** What the kernel is handed before others have their turn, however fast the peer takes it. */
const turnBytes = 4 * 1024 * 1024

interface Reading {
  readonly from: LaterBytes
  at: number
}

export interface OutboxOptions {
  readonly socket: Writable
  /** Where the kernel finds the socket; null where bytes must be written through the stream. */
  readonly descriptor: SocketDescriptor | null
  readonly pool: BufferPool
  /** Told when a file cannot be read: what was begun cannot be ended. */
  readonly failed: (error: unknown) => void
  /** Told when nothing is left that stands in files. */
  readonly emptied: () => void
}

/**
 * What a connection has to say, in order. Bytes at hand go to the socket at once. Those that stand in
 * files are handed over by the kernel, or read, as the peer takes them, so that a reader costs no more
 * memory than what is on its way.
 */
export class Outbox {
  private readonly o: OutboxOptions
  private readonly socket: Writable
  /**
   * So much is read where the kernel took less than it was offered: when it has left, there is room again.
   * With less the stream would ask for more before it tells of that.
   */
  private readonly probeBytes: number
  /** What cannot go to the socket before that which stands before it has been sent. */
  private readonly queue: Piece[] = []
  /** Of the queue and of what is being sent from a file; no piece is empty. */
  private queuedBytes = 0
  private reading: Reading | null = null
  private isPumping = false
  /** Said in this turn of the loop, for the socket to take at once. Nothing stands in the stream then. */
  private said: Uint8Array[] = []
  private saidBytes = 0
  private isCorked = false
  /** Somebody will call `flush` in this turn. */
  private willFlush = false
  private isEnding = false
  private isDirect: boolean
  private handedBytes = 0

  constructor(o: OutboxOptions) {
    this.o = o
    this.socket = o.socket
    this.probeBytes = o.socket.writableHighWaterMark
    this.isDirect = o.descriptor !== null
  }

  /** What the peer has not taken yet. */
  get bytes(): number {
    return this.queuedBytes + this.saidBytes + this.socket.writableLength
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

  /** Goes on, when the socket has room again. */
  pump(): void {
    if (this.isPumping || this.queuedBytes === 0) return
    this.isPumping = true
    this.sendAll().catch((error: unknown) => {
      this.drop()
      this.o.failed(error)
    })
  }

  /** Ends the connection when everything is said. */
  end(): void {
    this.isEnding = true
    if (this.queuedBytes > 0) return
    this.flush()
    this.socket.end()
  }

  /** What is said from here on waits for `flush`, which the caller must call in this turn of the loop. */
  gather(): void {
    this.willFlush = true
  }

  /** Lets go what was gathered. */
  flush(): void {
    this.willFlush = false
    if (this.saidBytes > 0) this.sendSaid()
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
      // At once, and not a turn later: what is pushed meanwhile must not be left lying.
      this.isPumping = false
    }
    if (this.socket.destroyed) this.drop()
    else if (this.queuedBytes === 0) {
      if (this.isEnding) this.end()
      this.o.emptied()
    }
  }

  /** @returns whether there is more to do at once. */
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
    // What the stream still holds comes first.
    this.flush()
    if (this.socket.writableLength > 0) return this.write(reading, this.probeBytes)
    const wanted = Math.min(someBytes, from.byteLength - at)
    const sent = from.send(this.o.descriptor!, at, wanted)
    if (!(sent instanceof Promise)) return this.handedOver(reading, wanted, sent)
    return sent.then((bytes) => this.handedOver(reading, wanted, bytes))
  }

  /** The kernel has taken so much of what it was offered. */
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
    else this.o.pool.release(bytes)
    return true
  }

  private advance(reading: Reading, bytes: number): void {
    reading.at += bytes
    this.queuedBytes -= bytes
    if (reading.at === reading.from.byteLength) this.reading = null
  }

  private giveTurn(handedBytes: number): true | Promise<true> {
    this.handedBytes += handedBytes
    if (this.handedBytes < turnBytes) return true
    this.handedBytes = 0
    return new Promise((resolve) => setImmediate(() => resolve(true)))
  }

  private drop(): void {
    this.queue.length = 0
    this.queuedBytes = 0
    this.reading = null
  }

  /** What is said in one turn of the loop leaves with one system call. */
  private send(pieces: readonly Uint8Array[]): void {
    if (this.maySay(pieces)) {
      for (const piece of pieces) this.said.push(piece)
      return this.flushLater()
    }
    if (this.saidBytes > 0) this.sendSaid()
    const { socket } = this
    const { pool } = this.o
    if (!this.isCorked) {
      this.isCorked = true
      socket.cork()
      this.flushLater()
    }
    // Records that were read from a file are nobody else's: their memory is free when all have left.
    const lent = pieces.filter((piece) => pool.hasLent(piece))
    const last = pieces.length - 1
    for (let i = 0; i < last; i++) socket.write(pieces[i]!)
    if (lent.length === 0) socket.write(pieces[last]!)
    else {
      socket.write(pieces[last]!, () => {
        for (const piece of lent) pool.release(piece)
      })
    }
  }

  /**
   * Whether these few bytes may go past the stream; they are counted then. Lent ones may not: the stream
   * tells when their memory can be given back.
   */
  private maySay(pieces: readonly Uint8Array[]): boolean {
    const { descriptor, pool } = this.o
    if (descriptor === null || this.isCorked || this.socket.writableLength > 0) return false
    let bytes = this.saidBytes
    for (const piece of pieces) {
      if (pool.hasLent(piece)) return false
      bytes += piece.byteLength
    }
    if (bytes > saidBytesMax) return false
    this.saidBytes = bytes
    return true
  }

  private sendSaid(): void {
    const { said, socket } = this
    const bytes = said.length === 1 ? said[0]! : Buffer.concat(said)
    this.said = []
    this.saidBytes = 0
    if (socket.destroyed) return
    const taken = writeNow(this.o.descriptor!, bytes)
    if (taken < bytes.byteLength) socket.write(bytes.subarray(taken))
  }

  private flushLater(): void {
    if (this.willFlush) return
    this.willFlush = true
    process.nextTick(() => this.flush())
  }
}
