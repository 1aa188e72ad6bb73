import type { Segment } from './capture.ts'

/** Bytes of one direction of a connection, in order. */
export interface Chunk {
  readonly timeMs: number
  readonly from: string
  readonly to: string
  readonly bytes: Buffer
  /** Number of bytes that the capture lost before these. */
  readonly missing: number
}

/** Maximum bytes that wait for a late segment; above it the segment counts as lost. */
const waitingBytesMax = 16 * 1024 * 1024

/** Reorders the segments of one direction: trims repeated ones, waits for late ones. */
class Direction {
  private next: number | null = null
  private readonly waiting = new Map<number, Segment>()
  private waitingBytes = 0
  private readonly emit: (chunk: Chunk) => void

  constructor(emit: (chunk: Chunk) => void) {
    this.emit = emit
  }

  push(segment: Segment): void {
    if (segment.isSyn) {
      this.next = (segment.sequence + 1) >>> 0
      return
    }
    if (segment.payload.length === 0) return
    this.next ??= segment.sequence
    this.waiting.set(segment.sequence, segment)
    this.waitingBytes += segment.payload.length
    this.drain()
    if (this.waitingBytes > waitingBytesMax) this.skip()
  }

  /** Gives up on missing segments. */
  finish(): void {
    while (this.waiting.size > 0) this.skip()
  }

  private drain(missing = 0): void {
    for (let lost = missing; ; lost = 0) {
      const segment = [...this.waiting.values()].find((one) => this.ahead(one) <= 0)
      if (segment === undefined) return
      this.waiting.delete(segment.sequence)
      this.waitingBytes -= segment.payload.length
      const bytes = segment.payload.subarray(-this.ahead(segment))
      if (bytes.length === 0) continue
      this.next = (this.next! + bytes.length) >>> 0
      this.emit({ ...segment, bytes, missing: lost })
    }
  }

  private skip(): void {
    const nearest = [...this.waiting.values()].sort((a, b) => this.ahead(a) - this.ahead(b))[0]
    if (nearest === undefined) return
    const missing = this.ahead(nearest)
    this.next = nearest.sequence
    this.drain(missing)
  }

  /** Returns the bytes between the expected position and a segment's; sequence numbers wrap. */
  private ahead(segment: Segment): number {
    return (segment.sequence - this.next!) | 0
  }
}

/** Returns the bytes that a capture's connections carried, in the order of completion. */
export function chunksOf(segments: readonly Segment[]): Chunk[] {
  const chunks: Chunk[] = []
  const directions = new Map<string, Direction>()
  for (const segment of segments) {
    const name = `${segment.from} ${segment.to}`
    let direction = directions.get(name)
    if (direction === undefined) {
      direction = new Direction((chunk) => chunks.push(chunk))
      directions.set(name, direction)
    }
    direction.push(segment)
  }
  for (const direction of directions.values()) direction.finish()
  return chunks
}
