import { api, array, int16, int32, int64, type Request, type Response, string } from '../schema.ts'

/** ListTransactions. */
export const listTransactions = api({
  name: 'ListTransactions',
  key: 66,
  versions: [0, 2],
  flexible: 0,
  request: {
    stateFilters: array(string),
    producerIdFilters: array(int64),
    durationFilter: int64.default(-1).since(1),
    transactionalIdPattern: string.nullable().default(null).since(2),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    unknownStateFilters: array(string),
    transactionStates: array({
      transactionalId: string,
      producerId: int64,
      transactionState: string,
    }),
  },
})
export type ListTransactionsRequest = Request<typeof listTransactions>
export type ListTransactionsResponse = Response<typeof listTransactions>
