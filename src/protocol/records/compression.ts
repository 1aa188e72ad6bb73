import { messageOf } from '../../base/error-text.ts'
import { ApiError } from '../errors.ts'
import { codecs } from './batch.ts'
import { GzipPieces } from './pieces/gzip.ts'
import { Lz4Pieces } from './pieces/lz4.ts'
import { OnePiece, type PieceSource } from './pieces/piece-source.ts'
import { openSink } from './pieces/sinks.ts'
import { SnappyPieces } from './pieces/snappy.ts'
import { ZstdPieces } from './pieces/zstd.ts'

/**
 * Maximum decompressed bytes of a payload that is needed as a whole: coordinator records, client
 * metrics, records that are displayed.
 */
export const decompressedBytesMaxDefault = 128 * 1024 * 1024

/**
 * Returns the decompressed bytes of a payload in pieces. Accepts exactly what Kafka's reader of the
 * codec accepts. Small pieces are returned synchronously, others from another thread.
 *
 * @throws ApiError (also as a rejection, and from `next`) UNKNOWN_SERVER_ERROR, as in Kafka, for
 * bytes that are invalid for the codec and for a codec that Kafka does not have.
 */
export function openPieces(codec: number, payload: Buffer): PieceSource {
  switch (codec) {
    case codecs.none:
      return new OnePiece(payload)
    case codecs.gzip:
      return new Explained(codec, new GzipPieces(payload))
    case codecs.snappy:
      return new Explained(codec, new SnappyPieces(payload))
    case codecs.lz4:
      return new Explained(codec, new Lz4Pieces(payload))
    case codecs.zstd:
      return new Explained(codec, new ZstdPieces(payload))
    default:
      throw unknownCodec(codec)
  }
}

/**
 * Decompresses a payload as a whole; synchronously if the codec and the size allow.
 *
 * @throws ApiError (also as a rejection) MESSAGE_TOO_LARGE above `bytesMax`, and errors of
 * `openPieces`.
 */
export function decompress(
  codec: number,
  payload: Buffer,
  bytesMax: number = decompressedBytesMaxDefault,
): Buffer | Promise<Buffer> {
  if (codec === codecs.none) return payload
  const source = openPieces(codec, payload)
  const gathered = new Gathered(source, bytesMax)
  try {
    const bytes = gathered.run()
    if (!(bytes instanceof Promise)) source.close()
    return bytes instanceof Promise ? bytes.finally(() => source.close()) : bytes
  } catch (error) {
    source.close()
    throw error
  }
}

/**
 * Compresses records in the frame format of Kafka's Java client: xerial blocks for snappy, blocks
 * of 64 KB for lz4.
 *
 * @param level of gzip (default 6) or zstd (default 3); the other two have none.
 */
export async function compress(codec: number, bytes: Buffer, level?: number): Promise<Buffer> {
  const sink = openSink(codec, level)
  if (sink === null) throw unknownCodec(codec)
  await sink.add(bytes)
  return sink.end()
}

class Gathered {
  private readonly source: PieceSource
  private readonly bytesMax: number
  private readonly pieces: Buffer[] = []
  private bytes = 0

  constructor(source: PieceSource, bytesMax: number) {
    this.source = source
    this.bytesMax = bytesMax
  }

  run(): Buffer | Promise<Buffer> {
    for (;;) {
      const piece = this.source.next()
      if (piece instanceof Promise) return this.goOn(piece)
      if (piece === null) return this.whole()
      this.take(piece)
    }
  }

  private async goOn(coming: Promise<Buffer | null>): Promise<Buffer> {
    for (let piece = await coming; piece !== null; piece = await this.source.next()) {
      this.take(piece)
    }
    return this.whole()
  }

  private take(piece: Buffer): void {
    this.bytes += piece.length
    if (this.bytes > this.bytesMax) {
      throw new ApiError(
        'MESSAGE_TOO_LARGE',
        `The records would take more than ${this.bytesMax} bytes.`,
      )
    }
    // Copied because a piece is only valid until the next one.
    this.pieces.push(Buffer.from(piece))
  }

  private whole(): Buffer {
    return this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces)
  }
}

/** Adds the codec to the errors of a source. */
class Explained implements PieceSource {
  private readonly codec: number
  private readonly source: PieceSource

  constructor(codec: number, source: PieceSource) {
    this.codec = codec
    this.source = source
  }

  next(): Buffer | null | Promise<Buffer | null> {
    try {
      const piece = this.source.next()
      if (!(piece instanceof Promise)) return piece
      return piece.catch((error: unknown) => {
        throw undecodable(this.codec, error)
      })
    } catch (error) {
      throw undecodable(this.codec, error)
    }
  }

  close(): void {
    this.source.close()
  }
}

function unknownCodec(codec: number): ApiError {
  return new ApiError('UNKNOWN_SERVER_ERROR', `Unknown compression type id: ${codec}`)
}

const codecNames = Object.keys(codecs)

function undecodable(codec: number, error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const why = messageOf(error)
  const what = `Failed to decompress ${codecNames[codec]} records: ${why}`
  return new ApiError('UNKNOWN_SERVER_ERROR', what)
}
