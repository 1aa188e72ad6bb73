import { ApiError } from '../protocol/errors.ts'
import type { Services } from './services.ts'

/** @throws ApiError UNSUPPORTED_VERSION unless `share.version` is finalised at 1 or above. */
export function checkShareGroupsEnabled({ metadata }: Pick<Services, 'metadata'>): void {
  if ((metadata.image.features.get('share.version') ?? 0) > 0) return
  throw new ApiError('UNSUPPORTED_VERSION')
}
