import { api, int16, int32, int64, type Request, type Response, string } from '../schema.ts'

/**
 * AddOffsetsToTxn: adds a group's offsets to a transaction. v3 flexible; v4
 * TRANSACTION_ABORTABLE.
 */
export const addOffsetsToTxn = api({
  name: 'AddOffsetsToTxn',
  key: 25,
  versions: [0, 4],
  flexible: 3,
  request: { transactionalId: string, producerId: int64, producerEpoch: int16, groupId: string },
  response: { throttleTimeMs: int32, errorCode: int16 },
})
export type AddOffsetsToTxnRequest = Request<typeof addOffsetsToTxn>
export type AddOffsetsToTxnResponse = Response<typeof addOffsetsToTxn>
