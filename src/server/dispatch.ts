import type { Logger } from '../base/logger.ts'
import { decode, requestCodec } from '../protocol/codec.ts'
import { errorCode, Refusal } from '../protocol/errors.ts'
import {
  peekRequest,
  readRequestHeader,
  requestHeaderVersion,
  responseFrame,
} from '../protocol/frame.ts'
import { Reader } from '../protocol/reader.ts'
import { type AnyApi, Malformed } from '../protocol/schema.ts'
import type { RequestHeader } from '../protocol/stored/header/request-header.ts'
import type { Principal } from '../security/authorizer.ts'
import type { Dispatch, Overlap } from './connection.ts'
import type { Vantage } from './endpoints.ts'
import type { AnyHandler, ConnectionState, RequestContext } from './handler.ts'
import type { Services } from './services.ts'

const apiVersionsKey = 18
const overlaps: Readonly<Record<number, Overlap>> = { 0: 'same', 1: 'any' }

/** What is the same for all requests of one connection. */
export interface Peer extends Vantage {
  readonly clientHost: string
  readonly clientPort: number
  readonly principal: Principal
}

/** Finds the handler of a request, reads the request, writes the response. One a connection. */
export class Dispatcher implements Dispatch {
  private readonly handlers: ReadonlyMap<number, AnyHandler>
  private readonly services: Services
  private readonly peer: Peer
  private readonly logger: Logger

  constructor(handlers: ReadonlyMap<number, AnyHandler>, services: Services, peer: Peer) {
    this.handlers = handlers
    this.services = services
    this.peer = peer
    this.logger = services.logger
  }

  peek(frame: Buffer): { apiKey: number; overlap: Overlap } {
    const { apiKey } = peekRequest(frame)
    return { apiKey, overlap: overlaps[apiKey] ?? 'none' }
  }

  dispatch(frame: Buffer, connection: ConnectionState) {
    const { apiKey, apiVersion } = peekRequest(frame)
    const handler = this.handlers.get(apiKey)
    if (handler === undefined) {
      throw new Malformed(`Received request api key ${apiKey} which is not enabled`)
    }
    const { api } = handler
    const isKnown = apiVersion >= api.versions[0] && apiVersion <= api.stableMax
    if (!isKnown && apiKey === apiVersionsKey) return this.answerTooNew(frame, handler, connection)
    if (!isKnown) {
      throw new Malformed(
        `Received request for api ${api.name} with unsupported version ${apiVersion}`,
      )
    }
    const reader = new Reader(frame)
    const header = readRequestHeader(reader, requestHeaderVersion(api, apiVersion))
    const request = decode(requestCodec(api, apiVersion), reader)
    return this.answer(handler, request, this.contextOf(apiVersion, header, connection))
  }

  private contextOf(
    apiVersion: number,
    { correlationId, clientId }: RequestHeader,
    connection: ConnectionState,
  ): RequestContext {
    const { listenerName, dialled, clientHost, clientPort, principal } = this.peer
    return {
      apiVersion,
      correlationId,
      clientId,
      connection,
      listenerName,
      dialled,
      clientHost,
      clientPort,
      principal,
    }
  }

  private answer(handler: AnyHandler, request: any, context: RequestContext) {
    const { api } = handler
    const frameOf = (body: object | null) =>
      body === null ? null : responseFrame(api, context.apiVersion, context.correlationId, body)
    try {
      const body = handler.handle(request, context, this.services)
      if (!(body instanceof Promise)) return frameOf(body)
      return body.then(frameOf, (error: unknown) =>
        frameOf(this.refuse(handler, request, context, error)),
      )
    } catch (error) {
      return frameOf(this.refuse(handler, request, context, error))
    }
  }

  /** A Refusal becomes the response that Kafka would send; anything else is a bug and says so. */
  private refuse(handler: AnyHandler, request: any, context: RequestContext, error: unknown) {
    if (error instanceof Malformed) throw error
    if (error instanceof Refusal) return handler.refuse(request, context, error.code)
    this.logger.error(`${handler.api.name} v${context.apiVersion} failed in the broker`, {
      client: context.clientId,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
    return handler.refuse(request, context, errorCode('UNKNOWN_SERVER_ERROR'))
  }

  /** KIP-511: a version that we do not know is answered in version 0, with the versions we do. */
  private answerTooNew(frame: Buffer, handler: AnyHandler, connection: ConnectionState) {
    const reader = new Reader(frame)
    const api: AnyApi = handler.api
    const header = readRequestHeader(reader, 1)
    const context = this.contextOf(0, header, connection)
    const body = handler.refuse({}, context, errorCode('UNSUPPORTED_VERSION'))
    return responseFrame(api, 0, header.correlationId, body!)
  }
}
