import { mapWaiting } from '../../base/turns.ts'
import { ApiError } from '../../protocol/errors.ts'
import { describeTransactions } from '../../protocol/messages/65-describe-transactions.ts'
import { authorize, mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** DescribeTransactions: returns the state of transactional ids (KIP-664). */
export const handleDescribeTransactions = handler(
  describeTransactions,
  async ({ transactionalIds }, context, services) => ({
    transactionStates: await mapWaiting(services.turns, transactionalIds, async (id) => {
      try {
        authorize(services, context, 'DESCRIBE', 'transactionalId', id)
        const found = await services.transactions.describe(id)
        const topics = found.topics.filter(({ topic }) =>
          mayAccess(services, context, 'DESCRIBE', 'topic', topic),
        )
        return { ...found, topics }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return unknown(id, error.code)
      }
    }),
  }),
  ({ transactionalIds }, _context, code) => ({
    transactionStates: transactionalIds.map((id) => unknown(id, code)),
  }),
)

function unknown(transactionalId: string, errorCode: number) {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  }
}
