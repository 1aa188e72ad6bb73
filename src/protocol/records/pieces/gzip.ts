import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import type { PieceSource } from './piece-source.ts'
import { Streamed, streamPieceBytes } from './streamed.ts'

/**
 * Up to this decompressed size a member is decompressed synchronously (in about 2 ms); a larger one
 * in pieces off the event loop.
 */
const onceBytesMax = 1024 * 1024
/** Larger compressed input is never decompressed synchronously. */
const onceInputBytesMax = 64 * 1024

const headerFlags = { headerChecksum: 2, extra: 4, name: 8, comment: 16 } as const
const trailerBytes = 8
/** Minimum chunk size in bytes, for a trailer with a smaller size or none. */
const chunkBytesMin = 1024
/** Bytes per read of Java's stream with the buffer size that Kafka sets. */
const javaReadBytes = 8192

const wrong = (what: string) => new Error(what)

/**
 * Reads gzip members as Java's `GZIPInputStream` does: ignores reserved flags, checks checksum and
 * size, accepts further members, and ignores other bytes behind the last one.
 */
export class GzipPieces implements PieceSource {
  private readonly bytes: Buffer
  /** Position of the compressed bytes of the current member. */
  private at = 0
  /**
   * Position up to which Java would have read; decides whether the remaining bytes are examined.
   */
  private readTo = 0
  private member: Streamed | null = null
  private state: 'header' | 'once' | 'content' | 'trailer' | 'done' = 'header'
  /** Compressed bytes used by a complete member, whose trailer is checked next. */
  private consumed = 0
  private checksum = 0
  private size = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  next(): Buffer | null | Promise<Buffer | null> {
    for (;;) {
      if (this.state === 'done') return null
      if (this.state === 'header') {
        this.at = headerEnd(this.bytes, 0)
        this.readTo = this.at
        this.begin()
      }
      if (this.state === 'content') return this.nextStreamed()
      if (this.state === 'trailer') {
        this.endMember(this.consumed)
        continue
      }
      const piece = this.once()
      if (piece === undefined) return this.nextStreamed()
      if (piece.length > 0) return piece
    }
  }

  close(): void {
    this.state = 'done'
    this.member?.close()
    this.member = null
  }

  private begin(): void {
    this.checksum = 0
    this.size = 0
    this.state = 'once'
  }

  /** Decompresses the member as a whole; returns undefined if it is too large or damaged. */
  private once(): Buffer | undefined {
    const input = this.bytes.subarray(this.at)
    const claimed = claimedBytes(input)
    if (input.length <= onceInputBytesMax && claimed <= onceBytesMax) {
      try {
        // One byte more, because zlib would otherwise check for further output.
        const chunkSize = Math.max(chunkBytesMin, claimed + 1)
        const options = { maxOutputLength: onceBytesMax, info: true, chunkSize } as const
        const { buffer, engine } = zlib.inflateRawSync(input, options) as unknown as Inflated
        this.note(buffer)
        this.consumed = engine.bytesWritten
        this.state = 'trailer'
        return buffer
      } catch {
        // In pieces, the valid bytes before an error are returned first, as in Java.
      }
    }
    this.state = 'content'
    const open = () => zlib.createInflateRaw({ chunkSize: streamPieceBytes })
    this.member = new Streamed(input, open)
    return undefined
  }

  private async nextStreamed(): Promise<Buffer | null> {
    const { member } = this
    if (member === null) return null
    const piece = await member.next()
    if (piece !== null) {
      this.note(piece)
      return piece
    }
    if (this.member === null) return null
    this.member = null
    const { consumed } = member
    member.close()
    this.endMember(consumed)
    return this.next()
  }

  private note(piece: Buffer): void {
    this.checksum = crc32(piece, this.checksum)
    this.size = (this.size + piece.length) % 2 ** 32
  }

  /** Checks the trailer of a member and starts the next member. */
  private endMember(consumed: number): void {
    const { bytes } = this
    const end = this.at + consumed
    if (end > this.readTo) {
      const reads = Math.ceil((end - this.readTo) / javaReadBytes)
      this.readTo = Math.min(bytes.length, this.readTo + reads * javaReadBytes)
    }
    if (end + trailerBytes > bytes.length) throw wrong('the trailer is cut off')
    const isRight =
      bytes.readUInt32LE(end) === this.checksum && bytes.readUInt32LE(end + 4) === this.size
    if (!isRight) throw wrong('the checksum or the size in the trailer is wrong')
    this.state = 'done'
    const rest = end + trailerBytes
    const isLookedAt = Math.max(this.readTo, rest) < bytes.length || this.readTo - end > 26
    if (!isLookedAt) return
    try {
      this.at = headerEnd(bytes, rest)
    } catch {
      return
    }
    this.readTo = Math.max(this.readTo, this.at)
    this.begin()
  }
}

/** Returns the decompressed size in the last trailer: correct if there is one undamaged member. */
function claimedBytes(input: Buffer): number {
  return input.length < trailerBytes ? 0 : input.readUInt32LE(input.length - 4)
}

interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** Returns the end of the header that begins at `start`. @throws Error if it is invalid. */
function headerEnd(bytes: Buffer, start: number): number {
  const byte = (at: number) => {
    if (at >= bytes.length) throw wrong('the header is cut off')
    return bytes[at]!
  }
  const short = (at: number) => byte(at) | (byte(at + 1) << 8)
  if (short(start) !== 0x8b1f) throw wrong('not in gzip format')
  if (byte(start + 2) !== 8) throw wrong('unknown compression method')
  const flags = byte(start + 3)
  let at = start + 10
  if (at > bytes.length) throw wrong('the header is cut off')
  if ((flags & headerFlags.extra) !== 0) {
    at += 2 + short(at)
    if (at > bytes.length) throw wrong('the header is cut off')
  }
  for (const flag of [headerFlags.name, headerFlags.comment]) {
    if ((flags & flag) === 0) continue
    while (byte(at) !== 0) at++
    at++
  }
  if ((flags & headerFlags.headerChecksum) !== 0) {
    const computed = crc32(bytes.subarray(start, at), 0) & 0xffff
    if (short(at) !== computed) throw wrong("the header's checksum is wrong")
    at += 2
  }
  return at
}

type Crc32 = (bytes: Uint8Array, before: number) => number

/** CRC-32 of zlib: in Node since 20.15, otherwise from the package with the CRC-32C of batches. */
const crc32: Crc32 = loadCrc32()

function loadCrc32(): Crc32 {
  const own = (zlib as unknown as { crc32?: Crc32 }).crc32
  if (own !== undefined) return own
  const require = createRequire(import.meta.url)
  try {
    return (require('@node-rs/crc32') as { crc32: Crc32 }).crc32
  } catch {
    const { buf } = require('crc-32') as { buf(bytes: Uint8Array, before: number): number }
    return (bytes, before) => buf(bytes, before) >>> 0
  }
}
