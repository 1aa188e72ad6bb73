import { api, array, int16, int32, type Request, type Response, string } from '../schema.ts'

/** OffsetDelete. */
export const offsetDelete = api({
  name: 'OffsetDelete',
  key: 47,
  versions: [0, 0],
  flexible: null,
  request: {
    groupId: string,
    topics: array({ name: string, partitions: array({ partitionIndex: int32 }) }),
  },
  response: {
    errorCode: int16,
    throttleTimeMs: int32,
    topics: array({ name: string, partitions: array({ partitionIndex: int32, errorCode: int16 }) }),
  },
})
export type OffsetDeleteRequest = Request<typeof offsetDelete>
export type OffsetDeleteResponse = Response<typeof offsetDelete>
