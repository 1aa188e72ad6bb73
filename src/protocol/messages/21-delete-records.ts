import { api, array, int16, int32, int64, type Request, type Response, string } from '../schema.ts'

/** DeleteRecords: moves the log start offset (KIP-107). v2 flexible. */
export const deleteRecords = api({
  name: 'DeleteRecords',
  key: 21,
  versions: [0, 2],
  flexible: 2,
  request: {
    topics: array({ name: string, partitions: array({ partitionIndex: int32, offset: int64 }) }),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 }),
    }),
  },
})
export type DeleteRecordsRequest = Request<typeof deleteRecords>
export type DeleteRecordsResponse = Response<typeof deleteRecords>
