import { assert } from '../base/assert.ts'
import { isAtHand, type Piece } from '../base/pieces.ts'
import { codecOf, decode, isFlexible } from './codec.ts'
import { Reader } from './reader.ts'
import { type AnyApi, Malformed } from './schema.ts'
import { type RequestHeader, requestHeader } from './stored/header/request-header.ts'
import { responseHeader } from './stored/header/response-header.ts'
import { Writer } from './writer.ts'

const apiVersionsKey = 18

/** The request header's version: 2, with tagged fields, where the message is flexible. */
export function requestHeaderVersion(of: AnyApi, version: number): number {
  return isFlexible(of, version) ? 2 : 1
}

/**
 * The response header's version. ApiVersions keeps 0 in every version: a client that cannot know
 * what we speak must still be able to find the error code (KIP-511).
 */
export function responseHeaderVersion(of: AnyApi, version: number): number {
  return of.key !== apiVersionsKey && isFlexible(of, version) ? 1 : 0
}

/** The first four bytes of every request: enough to know how to read the rest. */
export function peekRequest(frame: Buffer): { apiKey: number; apiVersion: number } {
  if (frame.byteLength < 8) throw new Malformed(`a request of ${frame.byteLength} bytes`)
  return { apiKey: frame.readInt16BE(0), apiVersion: frame.readInt16BE(2) }
}

/** Reads a request header and leaves the reader at the body. */
export function readRequestHeader(reader: Reader, headerVersion: number): RequestHeader {
  return decode(codecOf(requestHeader.fields, headerVersion, requestHeader.flexible), reader)
}

/** A response frame as pieces: length, header, body; record bytes by reference, perhaps to be read later. */
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

/** A request frame, for those who talk to another broker. */
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

/** Reads a response frame (without its length) of a known request. */
export function readResponse(
  of: AnyApi,
  version: number,
  frame: Buffer,
): { correlationId: number; body: any } {
  const reader = new Reader(frame)
  const header = codecOf(
    responseHeader.fields,
    responseHeaderVersion(of, version),
    responseHeader.flexible,
  )
  const { correlationId } = decode(header, reader)
  return { correlationId, body: decode(codecOf(of.response, version, of.flexible), reader) }
}
