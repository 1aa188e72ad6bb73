import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/**
 * WriteTxnMarkers: the coordinator has the outcome written to the partitions. v1 flexible; v2
 * transaction version.
 */
export const writeTxnMarkers = api({
  name: 'WriteTxnMarkers',
  key: 27,
  versions: [1, 2],
  flexible: 1,
  request: {
    markers: array({
      producerId: int64,
      producerEpoch: int16,
      transactionResult: bool,
      topics: array({ name: string, partitionIndexes: array(int32) }),
      coordinatorEpoch: int32,
      transactionVersion: int8.default(0).since(2),
    }),
  },
  response: {
    markers: array({
      producerId: int64,
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, errorCode: int16 }),
      }),
    }),
  },
})
export type WriteTxnMarkersRequest = Request<typeof writeTxnMarkers>
export type WriteTxnMarkersResponse = Response<typeof writeTxnMarkers>
