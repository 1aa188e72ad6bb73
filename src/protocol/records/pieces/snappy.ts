import { createRequire } from 'node:module'
import { LoadedOnce } from '../../../base/loaded-once.ts'
import type { PieceSource } from './piece-source.ts'

export interface SnappyPackage {
  compressSync(bytes: Buffer): Buffer
  uncompressSync(bytes: Buffer, options: { asBuffer: true }): Buffer
  uncompress(bytes: Buffer, options: { asBuffer: true }): Promise<Buffer>
}

const require = createRequire(import.meta.url)
export const snappyPackage = new LoadedOnce(() => require('snappy') as SnappyPackage)

/** Header: 8 bytes of magic, a version, and the oldest version that can read it. */
export const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
export const xerialHeaderBytes = 16
/** Maximum block size in bytes of snappy-java's `SnappyInputStream`. */
const blockBytesMax = 512 * 1024 * 1024
/** Larger blocks (by decompressed bytes) are decompressed off the event loop. */
const onceBytesMax = 1024 * 1024
/** Upper bound of the decompression ratio: an element of 3 bytes yields at most 64 bytes. */
const ratioMax = 64

const wrong = (what: string) => new Error(what)

/**
 * Reads Snappy as snappy-java's `SnappyInputStream` does: a header and blocks, or one bare block.
 * The header's version is only checked where streams are concatenated. A truncated block length
 * ends the stream.
 */
export class SnappyPieces implements PieceSource {
  private readonly bytes: Buffer
  private at = 0
  private isBare = false
  private isDone = false
  /** Whether a piece has been returned. */
  private hasGiven = false

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  next(): Buffer | null | Promise<Buffer | null> {
    if (this.isDone) return null
    if (this.at === 0) this.readHeader()
    const block = this.isBare ? this.bare() : this.nextBlock()
    if (block === null) return null
    const bytes = lengthOf(block)
    if (bytes > block.length * ratioMax) throw wrong('a block claims more than it can hold')
    if (bytes === 0) {
      snappyPackage.value.uncompressSync(block, { asBuffer: true })
      return this.next()
    }
    this.hasGiven = true
    const { uncompress, uncompressSync } = snappyPackage.value
    return bytes <= onceBytesMax
      ? uncompressSync(block, { asBuffer: true })
      : uncompress(block, { asBuffer: true })
  }

  close(): void {
    this.isDone = true
  }

  private readHeader(): void {
    const { bytes } = this
    if (bytes.length === 0) throw wrong('an empty stream')
    this.isBare =
      bytes.length < xerialHeaderBytes || !bytes.subarray(0, xerialMagic.length).equals(xerialMagic)
    this.at = this.isBare ? 1 : xerialHeaderBytes
  }

  private bare(): Buffer {
    this.isDone = true
    return this.bytes
  }

  private nextBlock(): Buffer | null {
    const { bytes } = this
    for (;;) {
      const { at } = this
      if (at + 4 > bytes.length) {
        this.isDone = true
        return null
      }
      const length = bytes.readInt32BE(at)
      if (length === xerialMagic.readInt32BE(0)) {
        const end = at + xerialHeaderBytes
        if (end > bytes.length) throw wrong('the header of a joined stream is cut off')
        this.at = end
        const isHeader = bytes.subarray(at, at + xerialMagic.length).equals(xerialMagic)
        if (isHeader && bytes.readInt32BE(at + 8) < 1) throw wrong('an unknown version')
        // Bytes that only begin like a header end the stream before the first piece, and are
        // skipped later.
        if (!isHeader && !this.hasGiven) return null
        continue
      }
      if (length < 0 || length > blockBytesMax) throw wrong(`a block of ${length} bytes`)
      const from = at + 4
      if (from + length > bytes.length) throw wrong('a block is cut off')
      this.at = from + length
      return bytes.subarray(from, from + length)
    }
  }
}

/** Reads the decompressed size, a varint at the start of a block. */
function lengthOf(block: Buffer): number {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  throw wrong('a block without its size')
}
