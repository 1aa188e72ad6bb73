import type { AnyApi, Fields, Infer } from '../protocol/schema.ts'
import type { RequestContext } from './handler.ts'

/** A request that has been read, on its way to its handler and back. */
export interface Call {
  readonly api: AnyApi
  readonly request: Infer<Fields>
  readonly context: RequestContext
  /** Size of the whole request. */
  readonly frameBytes: number
  /** How long the handler ran before its first await, in ms; 0 before. */
  handledMs: number
}

/** The interceptor of the requests that come next; null for none. */
export interface InterceptorSeat {
  readonly current: Interceptor | null
}

/**
 * Stands before and after every handler: for what concerns all requests, such as authentication,
 * quotas, and the recording and failing of requests in tests.
 */
export interface Interceptor {
  /**
   * Called in request order; a promise delays this request and the later ones of its connection.
   * @throws ApiError, also as a rejection, to answer with its error code; Malformed to close the
   * connection.
   */
  before(call: Call): void | Promise<void>
  /**
   * Called with the body of the response, of an error too; null if none is sent. Returns the one to
   * send. For a throttled client it calls `session.mute`.
   */
  after(call: Call, body: object | null): object | null | Promise<object | null>
}
