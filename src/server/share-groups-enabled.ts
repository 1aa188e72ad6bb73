import type { BrokerMetadata } from '../metadata/metadata.ts'
import { ApiError } from '../protocol/errors.ts'

interface Finalised {
  readonly metadata: Pick<BrokerMetadata, 'image'>
}

/** Returns whether `share.version` is finalised at 1 or above. */
export function areShareGroupsEnabled({ metadata }: Finalised): boolean {
  return (metadata.image.features.get('share.version') ?? 0) > 0
}

/** @throws ApiError UNSUPPORTED_VERSION unless share groups are enabled. */
export function checkShareGroupsEnabled(services: Finalised): void {
  if (!areShareGroupsEnabled(services)) throw new ApiError('UNSUPPORTED_VERSION')
}
