import { errorCode } from '../protocol/errors.ts'

/**
 * An error as a client of the request's version knows it: before PRODUCER_FENCED (KIP-588) there was
 * INVALID_PRODUCER_EPOCH only.
 */
export function knownAs(code: number, knowsFenced: boolean): number {
  if (knowsFenced || code !== errorCode('PRODUCER_FENCED')) return code
  return errorCode('INVALID_PRODUCER_EPOCH')
}
