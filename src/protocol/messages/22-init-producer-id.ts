import { api, bool, int16, int32, int64, type Request, type Response, string } from '../schema.ts'

/**
 * InitProducerId: a producer id and epoch, fencing earlier producers of the transactional id. v2
 * flexible; v3 epoch bump (KIP-360); v5 TRANSACTION_ABORTABLE (KIP-890); v6 two-phase commit
 * (KIP-939), unstable.
 */
export const initProducerId = api({
  name: 'InitProducerId',
  key: 22,
  versions: [0, 6],
  stableMax: 5,
  flexible: 2,
  request: {
    transactionalId: string.nullable(),
    transactionTimeoutMs: int32,
    producerId: int64.default(-1).since(3),
    producerEpoch: int16.default(-1).since(3),
    enable2Pc: bool.default(false).since(6),
    keepPreparedTxn: bool.default(false).since(6),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    producerId: int64.default(-1),
    producerEpoch: int16,
    ongoingTxnProducerId: int64.default(-1).since(6),
    ongoingTxnProducerEpoch: int16.default(-1).since(6),
  },
})
export type InitProducerIdRequest = Request<typeof initProducerId>
export type InitProducerIdResponse = Response<typeof initProducerId>
