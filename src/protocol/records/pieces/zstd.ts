import { createRequire } from 'node:module'
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { LoadedOnce } from '../../../base/loaded-once.ts'
import { Semaphore } from '../../../base/semaphore.ts'
import type { PieceSource } from './piece-source.ts'
import { Streamed, streamPieceBytes } from './streamed.ts'

export interface ZstdPackage {
  compress(bytes: Buffer, level?: number): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}

/** Functions of node:zlib since Node 22.15. */
export interface ZlibWithZstd {
  zstdCompressSync?(bytes: Buffer, options: { params: Record<number, number> }): Buffer
  zstdDecompressSync?(bytes: Buffer, options: { maxOutputLength: number }): Buffer
  createZstdDecompress?(options: { chunkSize: number }): Transform
}

const require = createRequire(import.meta.url)
export const zstdPackage = new LoadedOnce(() => require('@mongodb-js/zstd') as ZstdPackage)
const native = zlib as unknown as ZlibWithZstd

/** Frames up to this decompressed size are decompressed synchronously if Node supports it. */
const onceBytesMax = 128 * 1024
/**
 * With Node before 22.15 a package decompresses each frame as a whole; a frame that may exceed this
 * size in bytes is rejected.
 */
const wholeFrameBytesMax = 128 * 1024 * 1024
/** One at a time, because each is completely in memory. */
const wholeFrames = new Semaphore(1)

const magic = 0xfd2fb528
/** Magic number of the first of sixteen kinds of skippable frames. */
const skippable = 0x184d2a50
const blockBytesMax = 128 * 1024
/** zstd-jni, like zstd itself, rejects windows above this size (128 MB + 1 byte). */
const windowBytesMax = 2 ** 27 + 1
/** Bytes per read in Kafka; a frame with at most this content needs no window. */
const kafkaReadBytes = 16 * 1024

/** Bytes of input per read in zstd-jni: a block and its header. */
const jniReadBytes = 128 * 1024 + 3

const wrong = (what: string) => new Error(what)

/** Reads consecutive zstd frames as zstd-jni's `ZstdInputStreamNoFinalizer` does. */
export class ZstdPieces implements PieceSource {
  private readonly bytes: Buffer
  private at = 0
  private frame: Streamed | null = null

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  next(): Buffer | null | Promise<Buffer | null> {
    if (this.frame !== null) return this.nextStreamed(this.frame)
    const { bytes } = this
    while (this.at < bytes.length) {
      const found = frameAt(bytes, this.at)
      if (found === null) return this.cutOff()
      const { start, end, bytesMax } = found
      this.at = end
      if (start === end) continue
      const frame = bytes.subarray(start, end)
      if (native.zstdDecompressSync === undefined) return this.whole(frame, bytesMax)
      if (bytesMax > onceBytesMax) {
        this.frame = new Streamed(frame, () =>
          native.createZstdDecompress!({ chunkSize: streamPieceBytes }),
        )
        return this.nextStreamed(this.frame)
      }
      const piece = native.zstdDecompressSync(frame, { maxOutputLength: onceBytesMax })
      if (piece.length > 0) return piece
    }
    return null
  }

  close(): void {
    this.at = this.bytes.length
    this.frame?.close()
    this.frame = null
  }

  /**
   * Ends the stream at a truncated frame behind a complete one, as zstd-jni does if both were in
   * one read.
   */
  private cutOff(): null {
    const { at, bytes } = this
    const readTo = Math.ceil(at / jniReadBytes) * jniReadBytes
    if (at === 0 || bytes.length > readTo) throw wrong('a frame is cut off')
    this.at = bytes.length
    return null
  }

  private async nextStreamed(frame: Streamed): Promise<Buffer | null> {
    const piece = await frame.next()
    if (piece !== null) return piece
    frame.close()
    if (this.frame === frame) this.frame = null
    return this.next()
  }

  private async whole(frame: Buffer, bytesMax: number): Promise<Buffer | null> {
    if (bytesMax > wholeFrameBytesMax) {
      throw wrong(`a frame may unfold to ${bytesMax} bytes, for which Node 22.15 is needed`)
    }
    const isLarge = bytesMax > onceBytesMax * 8
    if (isLarge) await wholeFrames.enter()
    try {
      const piece = await zstdPackage.value.decompress(frame)
      return piece.length > 0 ? piece : this.next()
    } finally {
      if (isLarge) wholeFrames.leave()
    }
  }
}

interface Frame {
  readonly start: number
  /** Equal to `start` for a frame to be skipped. */
  readonly end: number
  /** Maximum decompressed size in bytes. */
  readonly bytesMax: number
}

/** Returns the frame at `at`; null if it is truncated. @throws Error if Kafka would not read it. */
function frameAt(bytes: Buffer, at: number): Frame | null {
  const left = bytes.length - at
  if (left < 4) {
    const begun = bytes.subarray(at)
    const isBegin = [magic, skippable].some((word) => begins(begun, word))
    if (!isBegin) throw wrong('not a zstd frame')
    return null
  }
  const word = bytes.readUInt32LE(at)
  if (word >>> 4 === skippable >>> 4) {
    const end = left < 8 ? Number.POSITIVE_INFINITY : at + 8 + bytes.readUInt32LE(at + 4)
    return end > bytes.length ? null : { start: end, end, bytesMax: 0 }
  }
  if (word !== magic) throw wrong('not a zstd frame')
  const header = headerAt(bytes, at)
  if (header === null) return null
  let end = header.end
  let bytesMax = 0
  for (let isLast = false; !isLast; ) {
    if (end + 3 > bytes.length) return null
    const block = bytes.readUIntLE(end, 3)
    const size = block >>> 3
    const kind = (block >>> 1) & 3
    isLast = (block & 1) === 1
    bytesMax += kind === 2 ? blockBytesMax : size
    end += 3 + (kind === 1 ? 1 : size)
    if (end > bytes.length) return null
  }
  if (header.hasChecksum) end += 4
  if (end > bytes.length) return null
  return { start: at, end, bytesMax: Math.min(bytesMax, header.contentBytes ?? bytesMax) }
}

/**
 * Returns whether truncated bytes may be the start of `word`; any kind of skippable frame matches.
 */
function begins(begun: Buffer, word: number): boolean {
  const whole = Buffer.alloc(4)
  whole.writeUInt32LE(word)
  const free = word === skippable ? 0xf0 : 0xff
  return begun.every((byte, i) => (i === 0 ? (byte & free) === whole[0] : byte === whole[i]))
}

interface FrameHeader {
  readonly end: number
  readonly contentBytes: number | null
  readonly hasChecksum: boolean
}

/**
 * Returns null if truncated.
 *
 * @throws Error if a dictionary is needed or the window is too large.
 */
function headerAt(bytes: Buffer, start: number): FrameHeader | null {
  const descriptor = bytes[start + 4]
  if (descriptor === undefined) return null
  const isSingle = ((descriptor >> 5) & 1) === 1
  const sizeField = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const dictionaryField = [0, 1, 2, 4][descriptor & 3]!
  const windowAt = start + 5
  const dictionaryAt = windowAt + (isSingle ? 0 : 1)
  const sizeAt = dictionaryAt + dictionaryField
  const end = sizeAt + sizeField
  if (end > bytes.length) return null
  if (dictionaryField > 0 && bytes.readUIntLE(dictionaryAt, dictionaryField) !== 0) {
    throw wrong('a dictionary is needed')
  }
  const contentBytes = contentAt(bytes, sizeAt, sizeField)
  const window = bytes[windowAt]!
  const base = 2 ** (10 + (window >> 3))
  const windowBytes = isSingle ? contentBytes! : base + (base / 8) * (window & 7)
  const isShort = contentBytes !== null && contentBytes <= kafkaReadBytes
  if (windowBytes > windowBytesMax && !isShort) throw wrong('the window is too large')
  return { end, contentBytes, hasChecksum: (descriptor & 0x04) !== 0 }
}

function contentAt(bytes: Buffer, at: number, fieldBytes: number): number | null {
  if (fieldBytes === 0) return null
  if (fieldBytes === 8) return Number(bytes.readBigUInt64LE(at))
  return bytes.readUIntLE(at, fieldBytes) + (fieldBytes === 2 ? 256 : 0)
}
