import type { ApiError } from '../../protocol/errors.ts'

/**
 * Returns the row of a share partition that was refused, for any of the five responses: those that
 * lack a field do not write it.
 */
export function refusedRow(partition: number, { code, detail }: ApiError) {
  return {
    ...{ partition, errorCode: code, errorMessage: detail },
    ...{ stateEpoch: 0, leaderEpoch: 0, startOffset: 0, stateBatches: [] },
  }
}
