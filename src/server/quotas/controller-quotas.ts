import type { Image } from '../../metadata/image.ts'
import type { MutationQuota, MutationUse } from '../../security/quota/client-quota.ts'
import { clientOf, type QuotaOrigin } from './request-quotas.ts'

/** The quota of changes of topics that a controller enforces (KIP-599). */
export class ControllerQuotas {
  private readonly mutations: MutationQuota

  constructor(mutations: MutationQuota) {
    this.mutations = mutations
  }

  /** Applies the quotas of a new image. */
  follow(image: Image): void {
    this.mutations.follow(image)
  }

  /**
   * Begins the changes of topics by a request; null without quotas.
   * @param strictSince the first version of the request that is refused what exceeds the quota.
   */
  mutationsOf(origin: QuotaOrigin, strictSince: number): MutationUse | null {
    return this.mutations.begin(clientOf(origin), origin.apiVersion >= strictSince)
  }
}
