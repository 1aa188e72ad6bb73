import { array, data, int8, int16, int32, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 0 of `__transaction_state`: transaction log. */
export const transactionLogKey = data({
  name: 'TransactionLogKey',
  key: 0,
  versions: [0, 0],
  flexible: null,
  fields: { transactionalId: string },
})

export const transactionLogValue = data({
  name: 'TransactionLogValue',
  key: 0,
  versions: [0, 1],
  flexible: 1,
  fields: {
    producerId: int64,
    previousProducerId: int64.default(-1).since(1).tagged(0),
    nextProducerId: int64.default(-1).since(1).tagged(1),
    producerEpoch: int16,
    nextProducerEpoch: int16.default(-1).since(1).tagged(3),
    transactionTimeoutMs: int32,
    transactionStatus: int8,
    transactionPartitions: array({ topic: string, partitionIds: array(int32) }).nullable(),
    transactionLastUpdateTimestampMs: int64,
    transactionStartTimestampMs: int64,
    clientTransactionVersion: int16.default(0).since(1).tagged(2),
  },
})

export type TransactionLogKey = ValueOf<typeof transactionLogKey>
export type TransactionLogValue = ValueOf<typeof transactionLogValue>
