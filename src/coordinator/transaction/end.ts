import { unreachable } from '../../base/assert.ts'
import { ApiError } from '../../protocol/errors.ts'
import type { EndTransaction } from './commands.ts'
import { lastUsableEpoch, type Transaction } from './transaction.ts'

type Request = Pick<
  EndTransaction,
  'producerId' | 'producerEpoch' | 'isCommit' | 'transactionVersion'
>

/**
 * Returns whether EndTxn has to be decided now or is a retry of a request that is done.
 *
 * @throws ApiError INVALID_PRODUCER_ID_MAPPING | PRODUCER_FENCED | CONCURRENT_TRANSACTIONS |
 *   INVALID_TXN_STATE (`TransactionCoordinator.endTransaction`, `endTransactionWithTV1`).
 */
export function endOf(transaction: Transaction, request: Request): 'decide' | 'isDone' {
  return request.transactionVersion >= 2 ? endV2(transaction, request) : endV1(transaction, request)
}

function endV1(transaction: Transaction, request: Request): 'decide' | 'isDone' {
  if (transaction.producerId !== request.producerId) {
    throw new ApiError('INVALID_PRODUCER_ID_MAPPING')
  }
  if (transaction.producerEpoch !== request.producerEpoch) throw new ApiError('PRODUCER_FENCED')
  const { isCommit } = request
  switch (transaction.state) {
    case 'Ongoing':
      return 'decide'
    case 'CompleteCommit':
    case 'CompleteAbort':
      return isDone(isCommit === (transaction.state === 'CompleteCommit'))
    case 'PrepareCommit':
    case 'PrepareAbort':
      throw stillWriting(isCommit === (transaction.state === 'PrepareCommit'))
    default:
      throw new ApiError('INVALID_TXN_STATE')
  }
}

/**
 * Handles transaction version 2: each transaction has its own epoch, so the epoch distinguishes a
 * retry from the end of the next transaction.
 */
function endV2(transaction: Transaction, request: Request): 'decide' | 'isDone' {
  const { producerEpoch, isCommit } = request
  const isBumped = transaction.producerEpoch === producerEpoch + 1
  const isRotated =
    transaction.previousProducerId === request.producerId &&
    producerEpoch === lastUsableEpoch &&
    transaction.producerEpoch === 0
  if (transaction.producerId !== request.producerId && !isRotated) {
    throw new ApiError('INVALID_PRODUCER_ID_MAPPING')
  }
  const isCurrent = transaction.producerEpoch === producerEpoch
  const isRetry = isBumped || isRotated
  const { state } = transaction
  switch (state) {
    case 'Ongoing':
      if (!isCurrent) throw new ApiError('PRODUCER_FENCED')
      return 'decide'
    case 'Empty':
      if (!isCurrent) throw new ApiError('PRODUCER_FENCED')
      return abortOfNothing(isCommit)
    case 'PrepareCommit':
    case 'PrepareAbort':
      if (!isBumped) throw new ApiError('PRODUCER_FENCED')
      throw stillWriting(isCommit === (state === 'PrepareCommit'))
    case 'CompleteCommit':
    case 'CompleteAbort':
      if (isRetry) return isDone(isCommit === (state === 'CompleteCommit'))
      if (!isCurrent) throw new ApiError('PRODUCER_FENCED')
      return abortOfNothing(isCommit)
    case 'Dead':
    case 'PrepareEpochFence':
      throw new ApiError('INVALID_TXN_STATE')
    default:
      return unreachable(state)
  }
}

/** Accepts an abort although no transaction is known: the producer only wants a new epoch. */
function abortOfNothing(isCommit: boolean): 'decide' {
  if (isCommit) throw new ApiError('INVALID_TXN_STATE')
  return 'decide'
}

function isDone(isSameOutcome: boolean): 'isDone' {
  if (!isSameOutcome) throw new ApiError('INVALID_TXN_STATE')
  return 'isDone'
}

function stillWriting(isSameOutcome: boolean): ApiError {
  return new ApiError(isSameOutcome ? 'CONCURRENT_TRANSACTIONS' : 'INVALID_TXN_STATE')
}
