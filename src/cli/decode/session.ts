import { decode, requestCodec, responseCodec } from '../../protocol/codec.ts'
import {
  peekRequest,
  readRequestHeader,
  readResponse,
  requestHeaderVersion,
} from '../../protocol/frame.ts'
import { FrameCutter } from '../../protocol/frame-cutter.ts'
import { messages } from '../../protocol/messages/index.ts'
import { Reader } from '../../protocol/reader.ts'
import { type AnyApi, type Fields, Malformed } from '../../protocol/schema.ts'
import type { Chunk } from './streams.ts'

/** One frame, decoded as far as possible. */
export interface Frame {
  readonly timeMs: number | null
  readonly from: string | null
  readonly to: string | null
  readonly kind: 'request' | 'response' | 'unknown'
  readonly api: AnyApi | null
  readonly version: number | null
  readonly correlationId: number | null
  readonly clientId: string | null
  readonly fields: Fields | null
  readonly body: Readonly<Record<string, unknown>> | null
  /** Why the frame could not be read; null if it could. */
  readonly problem: string | null
  readonly bytes: Buffer
}

type Where = Pick<Frame, 'timeMs' | 'from' | 'to'>
export const nowhere: Where = { timeMs: null, from: null, to: null }

const byKey = new Map(messages.map((api) => [api.key, api]))
const apiVersionsKey = 18

/** Returns the API by its name or key, as users write it. */
export function apiNamed(name: string): AnyApi | null {
  const wanted = name.toLowerCase()
  return messages.find((api) => api.name.toLowerCase() === wanted || `${api.key}` === name) ?? null
}

function unread(where: Where, bytes: Buffer, problem: string): Frame {
  return {
    ...where,
    kind: 'unknown',
    api: null,
    version: null,
    correlationId: null,
    clientId: null,
    fields: null,
    body: null,
    problem,
    bytes,
  }
}

/** Returns the result of `read`, or the error message if the bytes do not match the schema. */
function orProblem<T>(read: () => T): T | string {
  try {
    return read()
  } catch (error) {
    if (error instanceof Malformed || error instanceof RangeError) return error.message
    throw error
  }
}

/** Returns the API and version that a frame starts with, or null if it cannot be a request. */
function requestApi(bytes: Buffer): { api: AnyApi; version: number } | null {
  if (bytes.length < 10) return null
  const { apiKey, apiVersion } = peekRequest(bytes)
  const api = byKey.get(apiKey)
  const isLayout = api && apiVersion >= api.versions[0] && apiVersion <= api.versions[1]
  return isLayout ? { api, version: apiVersion } : null
}

/** Reads the header and body of a request. */
export function readRequest(bytes: Buffer, where: Where = nowhere): Frame {
  const found = requestApi(bytes)
  if (found === null) {
    const about = bytes.length >= 4 ? `key ${bytes.readInt16BE(0)} v${bytes.readInt16BE(2)}` : ''
    return unread(where, bytes, `not a request of Kafka 4.4 ${about}`.trim())
  }
  const { api, version } = found
  const reader = new Reader(bytes)
  const header = orProblem(() => readRequestHeader(reader, requestHeaderVersion(api, version)))
  if (typeof header === 'string') return unread(where, bytes, header)
  const body = orProblem(() => decode(requestCodec(api, version), reader))
  const isRead = typeof body !== 'string'
  const left = isRead && reader.remaining > 0 ? `${reader.remaining} bytes are left over` : null
  return {
    ...where,
    kind: 'request',
    api,
    version,
    correlationId: header.correlationId,
    clientId: header.clientId,
    fields: api.request,
    body: isRead ? body : null,
    problem: isRead ? left : body,
    bytes,
  }
}

/** Reads the response to a request of this API and version. */
export function readResponseOf(
  api: AnyApi,
  version: number,
  bytes: Buffer,
  where: Where = nowhere,
): Frame {
  let [used, read] = [version, orProblem(() => readResponse(api, version, bytes))]
  // A broker answers an unknown ApiVersions version in version 0 (KIP-511).
  const isTooNew = bytes.length > 6 && bytes.readInt16BE(4) === 35
  if (api.key === apiVersionsKey && isTooNew) {
    used = 0
    read = orProblem(() => readResponse(api, 0, bytes))
  }
  const isRead = typeof read !== 'string'
  return {
    ...where,
    kind: 'response',
    api,
    version: used,
    correlationId: bytes.length >= 4 ? bytes.readInt32BE(0) : null,
    clientId: null,
    fields: responseCodec(api, used) && api.response,
    body: typeof read === 'string' ? null : read.body,
    problem: isRead ? null : (read as string),
    bytes,
  }
}

/** Larger lengths, in bytes, than any broker accepts mean that the bytes are not frames. */
const frameBytesMax = 256 * 1024 * 1024
/** Maximum number of requests awaiting a response; those without one (acks 0) would accumulate. */
const waitingMax = 10_000

/** One connection: its two directions, and the requests that await a response. */
class Connection {
  private readonly cutters = new Map<string, FrameCutter | null>()
  private readonly waiting = new Map<number, { api: AnyApi; version: number }>()
  private client: string | null = null
  private readonly emit: (frame: Frame) => void

  constructor(emit: (frame: Frame) => void) {
    this.emit = emit
  }

  push({ from, to, timeMs, bytes, missing }: Chunk): void {
    const where = { from, to, timeMs }
    if (missing > 0) {
      const lost = `the capture lost ${missing} bytes here: the rest cannot be cut into frames`
      this.emit(unread(where, bytes, lost))
      this.cutters.set(from, null)
    }
    let cutter = this.cutters.get(from)
    if (cutter === null) return
    if (cutter === undefined) {
      cutter = new FrameCutter(frameBytesMax)
      this.cutters.set(from, cutter)
    }
    const refused = orProblem(() => {
      cutter.push(bytes, (frame) => this.emit(this.read(Buffer.from(frame), where)))
      return true
    })
    if (typeof refused !== 'string') return
    this.emit(unread(where, bytes, refused))
    this.cutters.set(from, null)
  }

  private read(bytes: Buffer, where: Where): Frame {
    // The sender of the first frame that can be a request is the client.
    if (this.client === null && requestApi(bytes) !== null) this.client = where.from
    if (where.from === this.client) {
      const frame = readRequest(bytes, where)
      const { api, version, correlationId } = frame
      if (api !== null && version !== null && correlationId !== null) {
        this.waiting.set(correlationId, { api, version })
        if (this.waiting.size > waitingMax) this.waiting.delete(this.waiting.keys().next().value!)
      }
      return frame
    }
    const asked = bytes.length >= 4 ? this.waiting.get(bytes.readInt32BE(0)) : undefined
    if (asked === undefined) return unread(where, bytes, 'no request that it answers was seen')
    this.waiting.delete(bytes.readInt32BE(0))
    return readResponseOf(asked.api, asked.version, bytes, where)
  }
}

/** Returns the frames of all connections of a capture, with responses matched to requests. */
export function framesOf(chunks: readonly Chunk[]): Frame[] {
  const frames: Frame[] = []
  const connections = new Map<string, Connection>()
  for (const chunk of chunks) {
    const name = [chunk.from, chunk.to].sort().join(' ')
    let connection = connections.get(name)
    if (connection === undefined) {
      connection = new Connection((frame) => frames.push(frame))
      connections.set(name, connection)
    }
    connection.push(chunk)
  }
  return frames
}
