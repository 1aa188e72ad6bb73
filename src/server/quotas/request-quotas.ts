import type { MutationUse } from '../../security/quota/client-quota.ts'
import type { Session } from '../session.ts'

/** Where a request comes from; the same object for the whole request. */
export interface QuotaOrigin {
  readonly apiVersion: number
  readonly clientId: string | null
  readonly session: Session
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
  /**
   * Begins the changes of topics by a request; null without quotas.
   * @param strictSince the first version of the request that is refused what exceeds the quota.
   */
  mutationsOf(origin: QuotaOrigin, strictSince: number): MutationUse | null
}
