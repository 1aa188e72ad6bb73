import { createRequire } from 'node:module'
import zlib from 'node:zlib'
import { Refusal } from '../errors.ts'
import { codecs } from './batch.ts'
import { lz4BytesAtMost, snappyParts, xerialFrame, zstdBytesAtMost } from './frames.ts'

/**
 * What the records of one batch may take when decompressed. Kafka has no such limit: it reads batches
 * as a stream. A batch is at most `message.max.bytes` (1 MB) compressed, so this is room enough.
 */
export const decompressedBytesMaxDefault = 128 * 1024 * 1024

/** Compressed payloads up to here are worked on at once; larger ones off the event loop. */
export const inlineBytesMax = 64 * 1024

const require = createRequire(import.meta.url)

interface SnappyPackage {
  compressSync(bytes: Buffer): Buffer
  compress(bytes: Buffer): Promise<Buffer>
  uncompressSync(bytes: Buffer, options: { asBuffer: true }): Buffer
  uncompress(bytes: Buffer, options: { asBuffer: true }): Promise<Buffer>
}
interface Lz4Package {
  compressFrameSync(bytes: Buffer): Buffer
  compressFrame(bytes: Buffer): Promise<Buffer>
  decompressFrameSync(bytes: Buffer): Buffer
  decompressFrame(bytes: Buffer): Promise<Buffer>
}
interface ZstdPackage {
  compress(bytes: Buffer, level?: number): Promise<Buffer>
  decompress(bytes: Buffer): Promise<Buffer>
}
/** node:zlib from 22.15 on. */
interface ZlibWithZstd {
  zstdCompressSync?(bytes: Buffer, options: { params: Record<number, number> }): Buffer
  zstdDecompressSync?(bytes: Buffer, options: { maxOutputLength: number }): Buffer
}

/** A package is loaded when its codec is first met: most brokers never meet all of them. */
const loaded = new Map<string, unknown>()
function load<T>(name: string): T {
  let found = loaded.get(name)
  if (found === undefined) {
    found = require(name)
    loaded.set(name, found)
  }
  return found as T
}

/**
 * Decompresses the records of a batch; at once where the codec and the size allow.
 *
 * @param bytesMax a payload that would take more is refused before memory is spent on it.
 * @throws Refusal (also as a rejection) MESSAGE_TOO_LARGE for too many bytes; UNKNOWN_SERVER_ERROR, as
 *   Kafka answers, for bytes that are not of this codec and for a codec that Kafka does not have.
 */
export function decompress(
  codec: number,
  payload: Buffer,
  bytesMax: number = decompressedBytesMaxDefault,
): Buffer | Promise<Buffer> {
  try {
    const bytes = decompressWith(codec, payload, bytesMax)
    if (Buffer.isBuffer(bytes)) return bytes
    return bytes.catch((error: unknown) => {
      throw undecodable(codec, error)
    })
  } catch (error) {
    throw undecodable(codec, error)
  }
}

function decompressWith(
  codec: number,
  payload: Buffer,
  bytesMax: number,
): Buffer | Promise<Buffer> {
  switch (codec) {
    case codecs.none:
      return payload
    case codecs.gzip:
      return gunzip(payload, bytesMax)
    case codecs.snappy:
      return unsnap(payload, bytesMax)
    case codecs.lz4:
      refuseAbove(lz4BytesAtMost(payload), bytesMax)
      return payload.length <= inlineBytesMax
        ? load<Lz4Package>('lz4-napi').decompressFrameSync(payload)
        : load<Lz4Package>('lz4-napi').decompressFrame(payload)
    case codecs.zstd:
      return unzstd(payload, bytesMax)
    default:
      throw unknownCodec(codec)
  }
}

/**
 * Compresses records. Frames are what Kafka's Java client writes: xerial blocks for snappy.
 *
 * @param level of gzip (default 6) or zstd (default 3); the other two have none.
 */
export function compress(codec: number, bytes: Buffer, level?: number): Buffer | Promise<Buffer> {
  switch (codec) {
    case codecs.none:
      return bytes
    case codecs.gzip:
      return zlib.gzipSync(bytes, { level: level ?? zlib.constants.Z_DEFAULT_COMPRESSION })
    case codecs.snappy:
      return xerialFrame(bytes, load<SnappyPackage>('snappy').compressSync)
    case codecs.lz4:
      return bytes.length <= inlineBytesMax
        ? load<Lz4Package>('lz4-napi').compressFrameSync(bytes)
        : load<Lz4Package>('lz4-napi').compressFrame(bytes)
    case codecs.zstd:
      return zstd(bytes, level ?? 3)
    default:
      throw unknownCodec(codec)
  }
}

function gunzip(payload: Buffer, bytesMax: number): Buffer | Promise<Buffer> {
  const options = { maxOutputLength: bytesMax }
  if (payload.length <= inlineBytesMax)
    return capped(() => zlib.gunzipSync(payload, options), bytesMax)
  return new Promise((resolve, reject) => {
    zlib.gunzip(payload, options, (error, bytes) => {
      if (error === null) resolve(bytes)
      else reject(isTooLarge(error) ? tooLarge(bytesMax) : error)
    })
  })
}

/** node:zlib stops at the limit by itself, with an error of its own. */
const isTooLarge = (error: unknown) =>
  (error as { code?: unknown } | null)?.code === 'ERR_BUFFER_TOO_LARGE'

function capped(inflate: () => Buffer, bytesMax: number): Buffer {
  try {
    return inflate()
  } catch (error) {
    throw isTooLarge(error) ? tooLarge(bytesMax) : error
  }
}

function unsnap(payload: Buffer, bytesMax: number): Buffer | Promise<Buffer> {
  const { parts, bytes } = snappyParts(payload)
  refuseAbove(bytes, bytesMax)
  const snappy = load<SnappyPackage>('snappy')
  const asBuffer = { asBuffer: true } as const
  if (payload.length <= inlineBytesMax) {
    const whole = parts.map((part) => snappy.uncompressSync(part, asBuffer))
    return whole.length === 1 ? whole[0]! : Buffer.concat(whole)
  }
  return Promise.all(parts.map((part) => snappy.uncompress(part, asBuffer))).then((whole) =>
    whole.length === 1 ? whole[0]! : Buffer.concat(whole),
  )
}

function unzstd(payload: Buffer, bytesMax: number): Buffer | Promise<Buffer> {
  const native = zlib as unknown as ZlibWithZstd
  if (native.zstdDecompressSync !== undefined) {
    const inflate = native.zstdDecompressSync
    return capped(() => inflate(payload, { maxOutputLength: bytesMax }), bytesMax)
  }
  refuseAbove(zstdBytesAtMost(payload), bytesMax)
  return load<ZstdPackage>('@mongodb-js/zstd').decompress(payload)
}

/** ZSTD_c_compressionLevel: the name is missing from the types of Node 20. */
const zstdLevelParam = 100

function zstd(bytes: Buffer, level: number): Buffer | Promise<Buffer> {
  const native = zlib as unknown as ZlibWithZstd
  return native.zstdCompressSync !== undefined
    ? native.zstdCompressSync(bytes, { params: { [zstdLevelParam]: level } })
    : load<ZstdPackage>('@mongodb-js/zstd').compress(bytes, level)
}

function refuseAbove(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw tooLarge(bytesMax)
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal('MESSAGE_TOO_LARGE', `The records would take more than ${bytesMax} bytes.`)
}

function unknownCodec(codec: number): Refusal {
  return new Refusal('UNKNOWN_SERVER_ERROR', `Unknown compression type id: ${codec}`)
}

const codecNames = Object.keys(codecs)

function undecodable(codec: number, error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const why = error instanceof Error ? error.message : String(error)
  const what = `Failed to decompress ${codecNames[codec]} records: ${why}`
  return new Refusal('UNKNOWN_SERVER_ERROR', what)
}
