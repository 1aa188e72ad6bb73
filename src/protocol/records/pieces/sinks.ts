import { createRequire } from 'node:module'
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { LoadedOnce } from '../../../base/loaded-once.ts'
import { codecs } from '../batch.ts'
import type { PieceSink } from './piece-source.ts'
import { snappyPackage, xerialHeaderBytes, xerialMagic } from './snappy.ts'
import { streamPieceBytes } from './streamed.ts'
import { type ZlibWithZstd, zstdPackage } from './zstd.ts'

/** Returns a compressor for the codec; null if Kafka does not have this codec. */
export function openSink(codec: number, level: number | undefined): PieceSink | null {
  switch (codec) {
    case codecs.none:
      return new Plain()
    case codecs.gzip:
      return new GzipSink(level)
    case codecs.snappy:
      return new BlockSink(snappyBlocks)
    case codecs.lz4:
      return new BlockSink(lz4Blocks)
    case codecs.zstd:
      return new ZstdSink(level ?? zstdLevelDefault)
    default:
      return null
  }
}

class Plain implements PieceSink {
  private readonly pieces: Buffer[] = []

  add(bytes: Buffer): void {
    this.pieces.push(Buffer.from(bytes))
  }

  end(): Buffer {
    return Buffer.concat(this.pieces)
  }
}

/** Block size and block format of a codec. */
interface Blocks {
  readonly header: () => Buffer
  readonly blockBytes: number
  readonly block: (plain: Buffer) => readonly Buffer[]
  readonly trailer: Buffer
}

/** For codecs whose blocks are compressed independently: one block takes negligible time. */
class BlockSink implements PieceSink {
  private readonly blocks: Blocks
  private readonly out: Buffer[]
  private readonly block: Buffer
  private filled = 0

  constructor(blocks: Blocks) {
    this.blocks = blocks
    this.out = [blocks.header()]
    this.block = Buffer.allocUnsafe(blocks.blockBytes)
  }

  add(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      const copied = bytes.copy(this.block, this.filled, at)
      at += copied
      this.filled += copied
      if (this.filled === this.block.length) this.write()
    }
  }

  end(): Buffer {
    if (this.filled > 0) this.write()
    return Buffer.concat([...this.out, this.blocks.trailer])
  }

  private write(): void {
    this.out.push(...this.blocks.block(this.block.subarray(0, this.filled)))
    this.filled = 0
  }
}

function lengthOf(bytes: number, isLittle: boolean): Buffer {
  const length = Buffer.alloc(4)
  if (isLittle) length.writeUInt32LE(bytes)
  else length.writeInt32BE(bytes)
  return length
}

/** Snappy in the format of the Java client. */
const snappyBlocks: Blocks = {
  header: () => {
    const header = Buffer.alloc(xerialHeaderBytes)
    xerialMagic.copy(header)
    header.writeInt32BE(1, 8)
    header.writeInt32BE(1, 12)
    return header
  },
  blockBytes: 32 * 1024,
  block: (plain) => {
    const compressed = snappyPackage.value.compressSync(plain)
    return [lengthOf(compressed.length, false), compressed]
  },
  trailer: Buffer.alloc(0),
}

interface Lz4Package {
  compressSync(bytes: Buffer): Buffer
}

const require = createRequire(import.meta.url)
const lz4Package = new LoadedOnce(() => require('lz4-napi') as Lz4Package)

/** Version 1, independent blocks of 64 KB, only a header checksum. */
const lz4Blocks: Blocks = {
  header: () => Buffer.from('04224d18604082', 'hex'),
  blockBytes: 64 * 1024,
  block: (plain) => {
    // Skips the size of the uncompressed bytes, which the package writes before the block.
    const compressed = lz4Package.value.compressSync(plain).subarray(4)
    if (compressed.length < plain.length) return [lengthOf(compressed.length, true), compressed]
    return [lengthOf(plain.length + 0x8000_0000, true), Buffer.from(plain)]
  },
  trailer: Buffer.alloc(4),
}

/** Compresses with a node:zlib stream off the event loop if there is more than one piece. */
abstract class StreamedSink implements PieceSink {
  private first: Buffer[] = []
  private firstBytes = 0
  private stream: Transform | null = null
  private readonly out: Buffer[] = []

  protected abstract once(bytes: Buffer): Buffer | Promise<Buffer>
  protected abstract open(): Transform

  async add(bytes: Buffer): Promise<void> {
    if (this.stream === null && this.firstBytes + bytes.length <= streamPieceBytes) {
      this.firstBytes += bytes.length
      this.first.push(Buffer.from(bytes))
      return
    }
    if (this.stream === null) {
      this.stream = this.open()
      this.stream.on('data', (piece: Buffer) => void this.out.push(piece))
      for (const piece of this.first.splice(0)) await write(this.stream, piece)
    }
    for (let at = 0; at < bytes.length; at += streamPieceBytes) {
      await write(this.stream, bytes.subarray(at, at + streamPieceBytes))
    }
  }

  end(): Buffer | Promise<Buffer> {
    const { stream } = this
    if (stream === null) return this.once(Buffer.concat(this.first))
    return new Promise((resolve, reject) => {
      stream.once('error', reject)
      stream.once('end', () => resolve(Buffer.concat(this.out)))
      stream.end()
    })
  }
}

function write(stream: Transform, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

class GzipSink extends StreamedSink {
  private readonly options: zlib.ZlibOptions

  constructor(level: number | undefined) {
    super()
    const chunkSize = streamPieceBytes
    this.options = { level: level ?? zlib.constants.Z_DEFAULT_COMPRESSION, chunkSize }
  }

  protected once(bytes: Buffer): Buffer {
    return zlib.gzipSync(bytes, this.options)
  }

  protected open(): Transform {
    return zlib.createGzip(this.options)
  }
}

const zstdLevelDefault = 3
/** ZSTD_c_compressionLevel, which is missing in the types of Node 20. */
const zstdLevelParam = 100
/**
 * With Node before 22.15 each frame is compressed as a whole; maximum uncompressed bytes of one.
 */
const frameBytesMax = 8 * 1024 * 1024

const native = zlib as unknown as ZlibWithZstd & {
  createZstdCompress?(options: { params: Record<number, number>; chunkSize: number }): Transform
}

class NativeZstdSink extends StreamedSink {
  private readonly params: Record<number, number>

  constructor(level: number) {
    super()
    this.params = { [zstdLevelParam]: level }
  }

  protected once(bytes: Buffer): Buffer {
    return native.zstdCompressSync!(bytes, { params: this.params })
  }

  protected open(): Transform {
    return native.createZstdCompress!({ params: this.params, chunkSize: streamPieceBytes })
  }
}

/** Writes consecutive zstd frames with a package that compresses each as a whole. */
class PackagedZstdSink implements PieceSink {
  private readonly level: number
  private pieces: Buffer[] = []
  private bytes = 0
  private readonly frames: Buffer[] = []

  constructor(level: number) {
    this.level = level
  }

  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += frameBytesMax) {
      const piece = Buffer.from(bytes.subarray(at, at + frameBytesMax))
      if (this.bytes + piece.length > frameBytesMax) await this.write()
      this.pieces.push(piece)
      this.bytes += piece.length
    }
  }

  async end(): Promise<Buffer> {
    if (this.bytes > 0 || this.frames.length === 0) await this.write()
    return this.frames.length === 1 ? this.frames[0]! : Buffer.concat(this.frames)
  }

  private async write(): Promise<void> {
    const plain = Buffer.concat(this.pieces)
    this.pieces = []
    this.bytes = 0
    this.frames.push(await zstdPackage.value.compress(plain, this.level))
  }
}

class ZstdSink implements PieceSink {
  private readonly sink: PieceSink

  constructor(level: number) {
    this.sink =
      native.zstdCompressSync === undefined
        ? new PackagedZstdSink(level)
        : new NativeZstdSink(level)
  }

  add(bytes: Buffer): void | Promise<void> {
    return this.sink.add(bytes)
  }

  end(): Buffer | Promise<Buffer> {
    return this.sink.end()
  }
}
