import type { AnyApi, Api, Draft, Fields, Infer } from '../protocol/schema.ts'
import type { Principal } from '../security/authorizer.ts'
import type { Vantage } from './endpoints.ts'
import type { Services } from './services.ts'

/** What a handler may know of where a request came from. */
export interface RequestContext extends Vantage {
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** As Kafka prints an InetAddress: `/127.0.0.1`. */
  readonly clientHost: string
  readonly clientPort: number
  readonly principal: Principal
  /** The same object for every request of a connection; what a connection must remember. */
  readonly connection: ConnectionState
}

export interface ConnectionState {
  readonly id: string
  /** From ApiVersions v3 on (KIP-511); `unknown` before. */
  softwareName: string
  softwareVersion: string
  /** Aborted when the peer is gone: a long poll need not go on. */
  readonly closed: AbortSignal
}

/** A null answer means that none is sent (Produce with acks 0). */
export type Answer<R extends Fields> = Draft<R> | null

export interface Handler<Q extends Fields = any, R extends Fields = any> {
  readonly api: Api<Q, R>
  /** Runs synchronously up to its first await: what it does before that is in request order. */
  handle(
    request: Infer<Q>,
    context: RequestContext,
    services: Services,
  ): Answer<R> | Promise<Answer<R>>
  /** The response that carries a Refusal thrown by `handle`: Kafka's `getErrorResponse`. */
  refuse(request: Infer<Q>, context: RequestContext, errorCode: number): Draft<R> | null
}

/** Ties behaviour to a message. The table of all handlers is `handlers/index.ts`. */
export function handler<Q extends Fields, R extends Fields>(
  of: Api<Q, R>,
  handle: Handler<Q, R>['handle'],
  refuse: Handler<Q, R>['refuse'],
): Handler<Q, R> {
  return { api: of, handle, refuse }
}

export type AnyHandler = Handler<any, any> & { readonly api: AnyApi }
