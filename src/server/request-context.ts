import type { Session } from './session.ts'

/** The origin of a request, as far as handlers need it. */
export interface RequestContext {
  /** The name of its API: `Produce`, … */
  readonly request: string
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** The same object for all requests of a connection. */
  readonly session: Session
  /** The request as it came, without its length, to be forwarded; null if it was never encoded. */
  readonly frame: Buffer | null
}
