import { ApiError } from '../protocol/errors.ts'

/**
 * Kafka's controller drops a request whose timeout expired in its queue; a timeout of 0 ms always
 * has.
 * @throws ApiError REQUEST_TIMED_OUT
 */
export function checkDeadline(timeoutMs: number): void {
  if (timeoutMs <= 0) throw new ApiError('REQUEST_TIMED_OUT')
}
