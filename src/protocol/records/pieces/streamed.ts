import type { Transform } from 'node:stream'
import { Semaphore } from '../../../base/semaphore.ts'
import type { PieceSource } from './piece-source.ts'

/** Bytes per chunk of a node:zlib stream. */
export const streamPieceBytes = 64 * 1024

/**
 * Number of concurrent streams: two of the four threads in Node's pool. The others are left for the
 * disk.
 */
const line = new Semaphore(2)

interface Counted extends Transform {
  readonly bytesWritten: number
}

/** Pieces from a node:zlib transform that works on another thread. */
export class Streamed implements PieceSource {
  private readonly input: Buffer
  private readonly open: () => Transform
  private stream: Counted | null = null
  private pieces: AsyncIterator<Buffer> | null = null
  private isInside = false
  private isClosed = false

  constructor(input: Buffer, open: () => Transform) {
    this.input = input
    this.open = open
  }

  /** Number of input bytes that were used; valid once the end is reached. */
  get consumed(): number {
    return this.stream?.bytesWritten ?? 0
  }

  async next(): Promise<Buffer | null> {
    if (this.pieces === null) await this.begin()
    if (this.isClosed) return null
    const { done, value } = await this.pieces!.next()
    return done ? null : value
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stream?.destroy()
    if (this.isInside) line.leave()
    this.isInside = false
  }

  private async begin(): Promise<void> {
    await line.enter()
    if (this.isClosed) {
      line.leave()
      return
    }
    this.isInside = true
    const stream = this.open() as Counted
    this.stream = stream
    this.pieces = stream[Symbol.asyncIterator]()
    stream.end(this.input)
  }
}
