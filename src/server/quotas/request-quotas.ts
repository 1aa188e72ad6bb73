import type { QuotaClient } from '../../security/quota/client-quota.ts'
import type { Session } from '../session.ts'

/** Where a request comes from; the same object for the whole request. */
export interface QuotaOrigin {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly session: Session
}

/** Returns the client whose quotas a request uses. */
export function clientOf({ session, clientId }: QuotaOrigin): QuotaClient {
  return { user: session.principal.name, clientId: clientId ?? '' }
}

/** The quotas that handlers must ask themselves, because they change what is answered. */
export interface RequestQuotas {
  /** Whether any client has a quota; nothing else needs to be asked otherwise. */
  readonly isActive: boolean
  /** Returns the most bytes that a Fetch of the client may return at once. */
  fetchBytesMax(origin: QuotaOrigin): number
  /**
   * Records a Fetch that is about to be answered.
   * @returns for how long its client is throttled, in ms; if at all, the answer must be empty.
   */
  fetchThrottleMs(origin: QuotaOrigin, bytes: number): number
}
