import { xxh32 } from '../../../base/xxh32.ts'
import { lz4Block } from './lz4-block.ts'
import type { PieceSource } from './piece-source.ts'

const frameMagic = 0x184d2204
const notCompressed = 0x8000_0000

/** Bits of the first descriptor byte of a frame. */
const flags = {
  reserved: 0x03,
  contentChecksum: 0x04,
  contentSize: 0x08,
  blockChecksum: 0x10,
  independentBlocks: 0x20,
  version: 0xc0,
} as const
const version1 = 0x40

const wrong = (what: string) => new Error(what)

/**
 * Reads one lz4 frame with the checks of Kafka's `Lz4BlockInputStream`, in the same order. Blocks
 * must be independent; content size, content checksum and bytes behind the end mark are ignored.
 */
export class Lz4Pieces implements PieceSource {
  private readonly bytes: Buffer
  private at = 0
  private blockBytesMax = 0
  private hasBlockChecksum = false
  private hasContentChecksum = false
  private scratch: Buffer | null = null
  private isDone = false

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  next(): Buffer | null {
    if (this.isDone) return null
    if (this.at === 0) this.readHeader()
    const piece = this.readBlock()
    if (piece !== null && piece.length > 0) return piece
    // As in Kafka's reader, an empty block also ends the frame.
    this.isDone = true
    return null
  }

  close(): void {
    this.isDone = true
    if (this.scratch !== null) giveBack(this.scratch)
    this.scratch = null
  }

  private readHeader(): void {
    const { bytes } = this
    if (bytes.length < 7) throw wrong('the frame is cut off')
    if (bytes.readUInt32LE(0) !== frameMagic) throw wrong('not an lz4 frame')
    const flag = bytes[4]!
    const block = bytes[5]!
    if ((flag & flags.reserved) !== 0) throw wrong('a reserved flag is set')
    if ((flag & flags.independentBlocks) === 0) throw wrong('blocks depend on each other')
    if ((flag & flags.version) !== version1) throw wrong('not version 1 of the frame')
    if ((block & 0x8f) !== 0) throw wrong('a reserved bit of the block size is set')
    const size = block >> 4
    if (size < 4) throw wrong(`unknown block size ${size}`)
    this.blockBytesMax = 2 ** (8 + 2 * size)
    this.hasBlockChecksum = (flag & flags.blockChecksum) !== 0
    this.hasContentChecksum = (flag & flags.contentChecksum) !== 0
    const end = (flag & flags.contentSize) === 0 ? 6 : 14
    if (bytes.length <= end) throw wrong('the frame is cut off')
    const computed = (xxh32(bytes.subarray(4, end)) >>> 8) & 0xff
    if (computed !== bytes[end]) throw wrong("the checksum of the frame's header is wrong")
    this.at = end + 1
  }

  private readBlock(): Buffer | null {
    const { bytes } = this
    const word = this.word()
    const size = word & 0x7fff_ffff
    if (size === 0) {
      if (this.hasContentChecksum) this.word()
      this.isDone = true
      return null
    }
    if (size > this.blockBytesMax) throw wrong(`a block of ${size} bytes`)
    const from = this.at
    const end = from + size
    if (end > bytes.length) throw wrong('the frame is cut off')
    this.at = end
    const piece = word >= notCompressed ? bytes.subarray(from, end) : this.unfold(from, end)
    if (this.hasBlockChecksum && this.word() !== xxh32(bytes.subarray(from, end))) {
      throw wrong('the checksum of a block is wrong')
    }
    return piece
  }

  private unfold(from: number, end: number): Buffer {
    this.scratch ??= taken(this.blockBytesMax)
    const length = lz4Block(this.bytes, from, end, this.scratch, this.blockBytesMax)
    if (length < 0) throw wrong('a block is damaged')
    return this.scratch.subarray(0, length)
  }

  private word(): number {
    if (this.at + 4 > this.bytes.length) throw wrong('the frame is cut off')
    this.at += 4
    return this.bytes.readUInt32LE(this.at - 4)
  }
}

/** Output buffers for decompressed blocks; one of each of the four block sizes (5.3 MB) is kept. */
const kept = new Map<number, Buffer>()

function taken(bytes: number): Buffer {
  const found = kept.get(bytes)
  if (found === undefined) return Buffer.allocUnsafeSlow(bytes)
  kept.delete(bytes)
  return found
}

function giveBack(buffer: Buffer): void {
  kept.set(buffer.length, buffer)
}
