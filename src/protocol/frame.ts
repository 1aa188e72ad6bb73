import { assert } from '../base/assert.ts'
import { isAtHand, type Piece } from '../base/pieces.ts'
import { codecOf, decode, isFlexible, slicedCodecOf } from './codec.ts'
import { Reader } from './reader.ts'
import { type AnyApi, type Fields, type Infer, Malformed } from './schema.ts'
import { type RequestHeader, requestHeader } from './stored/header/request-header.ts'
import { responseHeader } from './stored/header/response-header.ts'
import { Writer } from './writer.ts'

const apiVersionsKey = 18

/** Returns the version of the request header: 2, with tagged fields, for a flexible message. */
export function requestHeaderVersion(of: AnyApi, version: number): number {
  return isFlexible(of, version) ? 2 : 1
}

/**
 * Returns the version of the response header. For ApiVersions it is always 0: a client that does
 * not know the broker's versions must be able to read the error code (KIP-511).
 */
export function responseHeaderVersion(of: AnyApi, version: number): number {
  return of.key !== apiVersionsKey && isFlexible(of, version) ? 1 : 0
}

/**
 * Reads the key and the version of a request, which are needed to parse the rest. A frame without
 * the correlation id behind them could not be answered.
 */
export function peekRequest(frame: Buffer): { apiKey: number; apiVersion: number } {
  if (frame.byteLength < 8) throw new Malformed(`a request of ${frame.byteLength} bytes`)
  return { apiKey: frame.readInt16BE(0), apiVersion: frame.readInt16BE(2) }
}

/**
 * Reads the client id, whose position is the same in all header versions; null if there is none.
 */
export function peekClientId(frame: Buffer): string | null {
  const length = frame.byteLength < 10 ? -1 : frame.readInt16BE(8)
  return length < 0 ? null : frame.toString('utf8', 10, 10 + length)
}

/** Reads a request header; afterwards the reader is at the body. */
export function readRequestHeader(reader: Reader, headerVersion: number): RequestHeader {
  return decode(codecOf(requestHeader.fields, headerVersion, requestHeader.flexible), reader)
}

/**
 * Builds a response frame in pieces: length, header, body. Records are included by reference,
 * possibly to be read later.
 */
export function responseFrame(
  of: AnyApi,
  version: number,
  correlationId: number,
  body: object,
): Piece[] {
  const writer = new Writer()
  writer.reserveLength()
  const header = codecOf(
    responseHeader.fields,
    responseHeaderVersion(of, version),
    responseHeader.flexible,
  )
  header.write(writer, { correlationId })
  codecOf(of.response, version, of.flexible).write(writer, body as never)
  return writer.frame()
}

/** Like `responseFrame`, for a large body: pauses regularly. */
export function* slicedResponseFrame(
  of: AnyApi,
  version: number,
  correlationId: number,
  body: object,
): Generator<void, Piece[]> {
  const writer = new Writer()
  writer.reserveLength()
  const headerVersion = responseHeaderVersion(of, version)
  codecOf(responseHeader.fields, headerVersion, responseHeader.flexible).write(writer, {
    correlationId,
  })
  yield* slicedCodecOf(of.response, version, of.flexible).write(writer, body as never)
  return writer.frame()
}

/** Builds a request frame for another broker. */
export function requestFrame(
  of: AnyApi,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  body: object,
): Uint8Array[] {
  const writer = new Writer()
  writer.reserveLength()
  const headerVersion = requestHeaderVersion(of, version)
  codecOf(requestHeader.fields, headerVersion, requestHeader.flexible).write(writer, {
    requestApiKey: of.key,
    requestApiVersion: version,
    ...header,
  })
  codecOf(of.request, version, of.flexible).write(writer, body as never)
  const pieces = writer.frame()
  assert(pieces.every(isAtHand), 'what a request brings is at hand')
  return pieces
}

/** Reads the response frame (without its length) for a known request. */
export function readResponse(
  of: AnyApi,
  version: number,
  frame: Buffer,
): { correlationId: number; body: Infer<Fields> } {
  const reader = new Reader(frame)
  const header = codecOf(
    responseHeader.fields,
    responseHeaderVersion(of, version),
    responseHeader.flexible,
  )
  const { correlationId } = decode(header, reader)
  return { correlationId, body: decode(codecOf(of.response, version, of.flexible), reader) }
}
