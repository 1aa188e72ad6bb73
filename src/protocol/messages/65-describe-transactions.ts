import { api, array, int16, int32, int64, type Request, type Response, string } from '../schema.ts'

/** DescribeTransactions. */
export const describeTransactions = api({
  name: 'DescribeTransactions',
  key: 65,
  versions: [0, 0],
  flexible: 0,
  request: { transactionalIds: array(string) },
  response: {
    throttleTimeMs: int32,
    transactionStates: array({
      errorCode: int16,
      transactionalId: string,
      transactionState: string,
      transactionTimeoutMs: int32,
      transactionStartTimeMs: int64,
      producerId: int64,
      producerEpoch: int16,
      topics: array({ topic: string, partitions: array(int32) }),
    }),
  },
})
export type DescribeTransactionsRequest = Request<typeof describeTransactions>
export type DescribeTransactionsResponse = Response<typeof describeTransactions>
