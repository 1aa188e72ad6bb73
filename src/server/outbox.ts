import type { Writable } from 'node:stream'
import type { BufferPool } from '../base/buffer-pool.ts'
import { isAtHand, type LaterBytes, type Piece } from '../base/pieces.ts'

/** How much of what stands in files is read at a time; the next when the peer has taken it. */
const readBytes = 1024 * 1024

interface Reading {
  readonly from: LaterBytes
  at: number
}

/**
 * What a connection has to say, in order. Bytes at hand go to the socket at once; those that stand in
 * files are read as the peer takes them, so that a reader costs no more memory than what is on its way.
 */
export class Outbox {
  private readonly socket: Writable
  private readonly pool: BufferPool
  /** Told when a file cannot be read: what was begun cannot be ended. */
  private readonly failed: (error: unknown) => void
  /** What cannot go to the socket before that which stands before it has been read. */
  private readonly queue: Piece[] = []
  /** Of the queue and of what is being read; no piece is empty. */
  private queuedBytes = 0
  private reading: Reading | null = null
  private isPumping = false
  private isCorked = false
  private isEnding = false

  constructor(socket: Writable, pool: BufferPool, failed: (error: unknown) => void) {
    this.socket = socket
    this.pool = pool
    this.failed = failed
  }

  /** What the peer has not taken yet. */
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

  /** Goes on, when the socket has room again. */
  pump(): void {
    if (this.isPumping || this.queuedBytes === 0) return
    this.isPumping = true
    this.sendAll().catch((error: unknown) => {
      this.drop()
      this.failed(error)
    })
  }

  /** Ends the connection when everything is said. */
  end(): void {
    this.isEnding = true
    if (this.queuedBytes === 0) this.socket.end()
  }

  private async sendAll(): Promise<void> {
    try {
      while (await this.sendNext());
    } finally {
      // At once, and not a turn later: what is pushed meanwhile must not be left lying.
      this.isPumping = false
    }
    if (this.socket.destroyed) this.drop()
    else if (this.isEnding) this.end()
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

  private async sendSome(reading: Reading): Promise<boolean> {
    const { from, at } = reading
    const wanted = Math.min(readBytes, from.byteLength - at)
    const bytes = await from.read(at, wanted)
    if (bytes.length < wanted) throw new Error('a file ends where records were promised')
    reading.at += wanted
    this.queuedBytes -= wanted
    if (reading.at === from.byteLength) this.reading = null
    if (!this.socket.destroyed) this.send([bytes])
    else this.pool.release(bytes)
    return true
  }

  private drop(): void {
    this.queue.length = 0
    this.queuedBytes = 0
    this.reading = null
  }

  /** What is said in one turn of the loop leaves with one system call. */
  private send(pieces: readonly Uint8Array[]): void {
    const { socket, pool } = this
    if (!this.isCorked) {
      this.isCorked = true
      socket.cork()
      process.nextTick(() => {
        this.isCorked = false
        socket.uncork()
      })
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
}
