import type { TakePermits } from '../../metadata/controller/controller.ts'
import { ApiError, defaultMessage } from '../../protocol/errors.ts'
import type { MutationUse } from '../../security/quota/client-quota.ts'

/** Returns the way in which a command of the controller asks for permits; undefined without. */
export function permitsOf(use: MutationUse | null): TakePermits | undefined {
  if (use === null) return undefined
  return (partitions) => {
    if (use.take(partitions)) return
    const reason = 'THROTTLING_QUOTA_EXCEEDED'
    throw new ApiError(reason, defaultMessage(reason))
  }
}
