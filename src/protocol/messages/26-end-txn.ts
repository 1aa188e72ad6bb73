import { api, bool, int16, int32, int64, type Request, type Response, string } from '../schema.ts'

/**
 * EndTxn: commits or aborts. v3 flexible; v4 TRANSACTION_ABORTABLE; v5 bumps the epoch
 * (KIP-890).
 */
export const endTxn = api({
  name: 'EndTxn',
  key: 26,
  versions: [0, 5],
  flexible: 3,
  request: { transactionalId: string, producerId: int64, producerEpoch: int16, committed: bool },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: int64.default(-1).since(5),
    producerEpoch: int16.default(-1).since(5),
  },
})
export type EndTxnRequest = Request<typeof endTxn>
export type EndTxnResponse = Response<typeof endTxn>
