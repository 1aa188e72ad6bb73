import type { Api, Draft, Fields, Infer } from '../protocol/schema.ts'
import type { RequestContext } from './request-context.ts'
import type { Services } from './services.ts'

export type { RequestContext }

/** A response; null if none is sent (Produce with acks 0). */
export type Answer<R extends Fields> = Draft<R> | null

/** @typeParam S the services of the node: a broker's or a controller's. */
export interface Handler<Q extends Fields = Fields, R extends Fields = Fields, S = Services> {
  readonly api: Api<Q, R>
  /** Runs in request order up to its first await. */
  handle(request: Infer<Q>, context: RequestContext, services: S): Answer<R> | Promise<Answer<R>>
  /** Builds the response that carries an ApiError of `handle` (Kafka's `getErrorResponse`). */
  refuse(request: Infer<Q>, context: RequestContext, errorCode: number): Draft<R> | null
}

/** Combines a message with its behaviour. The table of all handlers is `handlers/index.ts`. */
export function handler<Q extends Fields, R extends Fields, S = Services>(
  of: Api<Q, R>,
  handle: Handler<Q, R, S>['handle'],
  refuse: Handler<Q, R, S>['refuse'],
): Handler<Q, R, S> {
  return { api: of, handle, refuse }
}

export type AnyHandler<S = Services> = Handler<Fields, Fields, S>
