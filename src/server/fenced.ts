import { errorCode } from '../protocol/errors.ts'

/**
 * Returns the code that the request's version knows: before PRODUCER_FENCED (KIP-588) there was
 * only INVALID_PRODUCER_EPOCH.
 */
export function knownAs(code: number, knowsFenced: boolean): number {
  if (knowsFenced || code !== errorCode('PRODUCER_FENCED')) return code
  return errorCode('INVALID_PRODUCER_EPOCH')
}
