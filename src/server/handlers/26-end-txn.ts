import { errorCode } from '../../protocol/errors.ts'
import { endTxn } from '../../protocol/messages/26-end-txn.ts'
import { authorize } from '../access.ts'
import { knownAs } from '../fenced.ts'
import { handler } from '../handler.ts'

const fencedSince = 2
/** From this version on the response carries the producer's next epoch (KIP-890). */
const bumpsSince = 5

/** EndTxn: answers when the outcome is decided; markers are written after that. */
export const handleEndTxn = handler(
  endTxn,
  async ({ committed: isCommit, ...producer }, context, services) => {
    authorize(services, context, 'WRITE', 'transactionalId', producer.transactionalId)
    const transactionVersion = context.apiVersion >= bumpsSince ? 2 : 0
    const { producerId, producerEpoch } = await services.transactions.endTransaction({
      ...producer,
      isCommit,
      transactionVersion,
    })
    return { errorCode: errorCode('NONE'), producerId, producerEpoch }
  },
  (_request, { apiVersion }, code) => ({
    errorCode: knownAs(code, apiVersion >= fencedSince),
  }),
)
