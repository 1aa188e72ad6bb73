import type { Clock } from '../base/clock.ts'
import { stackOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { Piece } from '../base/pieces.ts'
import { runInTurns, type Turns } from '../base/turns.ts'
import { decode, requestCodec, slicedCodecOf } from '../protocol/codec.ts'
import { ApiError, type ErrorName, errorCode } from '../protocol/errors.ts'
import {
  peekClientId,
  peekRequest,
  readRequestHeader,
  requestHeaderVersion,
  responseFrame,
  slicedResponseFrame,
} from '../protocol/frame.ts'
import { Reader } from '../protocol/reader.ts'
import { type AnyApi, type Fields, type Infer, Malformed } from '../protocol/schema.ts'
import type { Dispatch, Dispatched, Overlap } from './connection.ts'
import type { AnyHandler, RequestContext } from './handler.ts'
import type { Call, Interceptor, InterceptorSeat } from './interceptor.ts'
import type { Services } from './services.ts'
import type { Session } from './session.ts'
import type { UnservedRequests } from './unserved-requests.ts'

const apiVersionsKey = 18
/** Only its responses hold files, which are released with them. */
const fetchKey = 1
/** Requests from this size on, in bytes, are read in slices: they may have very many parts. */
const slicedBytesMin = 32 * 1024
const overlaps: Readonly<Record<number, Overlap>> = { 0: 'same', 1: 'others' }

/** The services of the node, as far as dispatch needs them. */
export interface DispatchRooms {
  readonly clock: Clock
  readonly turns: Turns
  readonly logger: Logger
}

/** Finds the handler of a request, reads the request, writes the response. */
export class Dispatcher<S extends DispatchRooms = Services> implements Dispatch {
  private readonly handlers: ReadonlyMap<number, AnyHandler<S>>
  private readonly services: S
  private readonly logger: Logger
  private readonly unservedRequests: UnservedRequests
  private readonly seat: InterceptorSeat

  constructor(
    handlers: ReadonlyMap<number, AnyHandler<S>>,
    services: S,
    unservedRequests: UnservedRequests,
    seat: InterceptorSeat,
  ) {
    this.unservedRequests = unservedRequests
    this.seat = seat
    this.handlers = handlers
    this.services = services
    this.logger = services.logger
  }

  peek(frame: Buffer): { apiKey: number; overlap: Overlap } {
    const { apiKey } = peekRequest(frame)
    return { apiKey, overlap: overlaps[apiKey] ?? 'none' }
  }

  dispatch(frame: Buffer, session: Session): Dispatched['response'] {
    const { delayed } = session
    if (delayed !== null) return delayed.then(() => this.dispatch(frame, session))
    const { apiKey, apiVersion } = peekRequest(frame)
    const handler = this.handlers.get(apiKey)
    if (handler === undefined) throw this.unserved(frame, null, session)
    const { api } = handler
    const isKnown = isServed(api, apiVersion)
    if (!isKnown && apiKey === apiVersionsKey) return this.answerTooNew(frame, handler, session)
    if (!isKnown) throw this.unserved(frame, api, session)
    const { reader, context } = readHeader(frame, api, apiVersion, session)
    const { byteLength } = frame
    if (byteLength < slicedBytesMin) {
      const request = decode(requestCodec(api, apiVersion), reader)
      return this.answer(handler, request, context, byteLength)
    }
    const request = runInTurns(
      this.services.turns,
      slicedCodecOf(api.request, apiVersion, api.flexible).read(reader),
    )
    if (!(request instanceof Promise)) return this.answer(handler, request, context, byteLength)
    const answered = request.then((whole) => this.answer(handler, whole, context, byteLength))
    delay(session, request)
    return answered
  }

  serves(apiKey: number): boolean {
    return this.handlers.has(apiKey)
  }

  /**
   * Answers a request with an error, without handling it. @throws Malformed if it is not served.
   */
  refusal(frame: Buffer, session: Session, error: ErrorName): readonly Piece[] | null {
    const { apiKey, apiVersion } = peekRequest(frame)
    const handler = this.handlers.get(apiKey)
    if (handler === undefined || !isServed(handler.api, apiVersion)) {
      throw this.unserved(frame, handler?.api ?? null, session)
    }
    const { api } = handler
    const { reader, context } = readHeader(frame, api, apiVersion, session)
    const request = decode(requestCodec(api, apiVersion), reader)
    const body = handler.refuse(request, context, errorCode(error))
    return body === null ? null : responseFrame(api, apiVersion, context.correlationId, body)
  }

  /** Logs an unserved request; it closes the connection (Kafka's `RequestContext.parseRequest`). */
  private unserved(frame: Buffer, api: AnyApi | null, session: Session): Malformed {
    const { apiKey, apiVersion: version } = peekRequest(frame)
    const { softwareName, softwareVersion, clientHost } = session
    this.unservedRequests.note({
      request: api?.name ?? String(apiKey),
      version,
      served: api === null ? null : `${api.versions[0]}-${api.stableMax}`,
      software: softwareName === 'unknown' ? softwareName : `${softwareName} ${softwareVersion}`,
      clientId: peekClientId(frame),
      host: clientHost,
    })
    return new Malformed(
      api === null
        ? `Received request api key ${apiKey} which is not enabled`
        : `Received request for api ${api.name} with unsupported version ${version}`,
    )
  }

  /** Answers a request of another node of the process. @throws Malformed if it is not served. */
  async answerDecoded(
    api: AnyApi,
    request: Infer<Fields>,
    context: RequestContext,
  ): Promise<object | null> {
    const handler = this.handlers.get(api.key)
    const { apiVersion } = context
    if (handler === undefined || !isServed(handler.api, apiVersion)) {
      throw new Malformed(`${api.name} in version ${apiVersion} is not served`)
    }
    return this.bodyFor(handler, request, context, 0)
  }

  private answer(
    handler: AnyHandler<S>,
    request: Infer<Fields>,
    context: RequestContext,
    frameBytes: number,
  ): Dispatched['response'] {
    const { api } = handler
    const { apiVersion, correlationId, session } = context
    const frameOf = (body: object | null) => {
      if (body === null) return null
      if (!hasManyParts(body)) return responseFrame(api, apiVersion, correlationId, body)
      const frame = slicedResponseFrame(api, apiVersion, correlationId, body)
      const mayStop = api.key !== fetchKey
      return runInTurns(this.services.turns, mayStop ? whileOpen(session, frame) : frame)
    }
    const body = this.bodyFor(handler, request, context, frameBytes)
    return body instanceof Promise ? body.then(frameOf) : frameOf(body)
  }

  /** Has a request handled, between the two calls of the interceptor. */
  private bodyFor(
    handler: AnyHandler<S>,
    request: Infer<Fields>,
    context: RequestContext,
    frameBytes: number,
  ): object | null | Promise<object | null> {
    const interceptor = this.seat.current
    const call =
      interceptor === null ? null : { api: handler.api, request, context, frameBytes, handledMs: 0 }
    const finish = (body: object | null) => (call === null ? body : interceptor!.after(call, body))
    try {
      const body =
        call === null
          ? handler.handle(request, context, this.services)
          : this.handleIfAdmitted(handler, call, interceptor!)
      if (!(body instanceof Promise)) return finish(body)
      return body.then(finish, (error: unknown) =>
        finish(this.refuse(handler, request, context, error)),
      )
    } catch (error) {
      return finish(this.refuse(handler, request, context, error))
    }
  }

  private handleIfAdmitted(handler: AnyHandler<S>, call: Call, interceptor: Interceptor) {
    const admitted = interceptor.before(call)
    if (!(admitted instanceof Promise)) return this.handle(handler, call)
    const body = admitted.then(() => this.handle(handler, call))
    delay(call.context.session, admitted)
    return body
  }

  private handle(handler: AnyHandler<S>, call: Call) {
    const { monotonicMs } = this.services.clock
    const startMs = monotonicMs()
    try {
      return handler.handle(call.request, call.context, this.services)
    } finally {
      call.handledMs = monotonicMs() - startMs
    }
  }

  /** Builds the error response for an ApiError as Kafka does; logs any other error as a bug. */
  private refuse(
    handler: AnyHandler<S>,
    request: Infer<Fields>,
    context: RequestContext,
    error: unknown,
  ) {
    if (error instanceof Malformed) throw error
    if (error instanceof ApiError) return handler.refuse(request, context, error.code)
    // A handler may stop when nobody waits for its answer any more.
    if (error === context.session.closed.reason) return null
    this.logger.error(`${handler.api.name} v${context.apiVersion} failed in the broker`, {
      client: context.clientId,
      error: stackOf(error),
    })
    return handler.refuse(request, context, errorCode('UNKNOWN_SERVER_ERROR'))
  }

  /** Answers an unknown ApiVersions version in version 0, with the known versions (KIP-511). */
  private answerTooNew(frame: Buffer, handler: AnyHandler<S>, session: Session) {
    const api: AnyApi = handler.api
    const { context } = readHeader(frame, api, peekRequest(frame).apiVersion, session)
    const body = handler.refuse({}, { ...context, apiVersion: 0 }, errorCode('UNSUPPORTED_VERSION'))
    return responseFrame(api, 0, context.correlationId, body!)
  }
}

/** A dispatcher, whatever services its handlers use. */
export type AnyDispatcher = Pick<Dispatcher, 'peek' | 'dispatch' | 'serves' | 'refusal'>

/** Whether a version of a request is answered. */
export const isServed = ({ versions, stableMax }: AnyApi, version: number) =>
  version >= versions[0] && version <= stableMax

/** Reads the header of a request; the reader is then at its body. */
function readHeader(frame: Buffer, api: AnyApi, apiVersion: number, session: Session) {
  const reader = new Reader(frame)
  const headerVersion = requestHeaderVersion(api, apiVersion)
  const { correlationId, clientId } = readRequestHeader(reader, headerVersion)
  const request = api.name
  const context: RequestContext = { request, apiVersion, correlationId, clientId, session, frame }
  return { reader, context }
}

/** Writes a response until its connection is closed. */
function* whileOpen<T>({ closed }: Session, frame: Generator<void, T>): Generator<void, T | null> {
  for (;;) {
    const step = frame.next()
    if (step.done === true) return step.value
    if (closed.aborted) return null
    yield
  }
}

/** Delays later requests until one that could not begin at once has begun. */
function delay(session: Session, begun: Promise<unknown>): void {
  const done = begun.then(
    () => {},
    () => {},
  )
  session.delayed = done
  void done.then(() => {
    if (session.delayed === done) session.delayed = null
  })
}

/** Number of elements in arrays, including nested ones, from which a body counts as large. */
const manyParts = 200

/** Returns whether a message has so many elements that its serialization should pause. */
function hasManyParts(body: object): boolean {
  let parts = 0
  const fields = body as Readonly<Record<string, unknown>>
  for (const name in fields) {
    const value = fields[name]
    if (!Array.isArray(value)) continue
    parts += value.length
    for (let i = 0; i < value.length && parts < manyParts; i++) parts += arraysIn(value[i])
    if (parts >= manyParts) return true
  }
  return false
}

function arraysIn(part: unknown): number {
  if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part)) return 0
  const fields = part as Readonly<Record<string, unknown>>
  let parts = 0
  for (const name in fields) {
    const value = fields[name]
    if (Array.isArray(value)) parts += value.length
  }
  return parts
}
