import { api, array, int16, int32, type Request, type Response, string, uuid } from '../schema.ts'

/** DeleteShareGroupState. */
export const deleteShareGroupState = api({
  name: 'DeleteShareGroupState',
  key: 86,
  versions: [0, 0],
  flexible: 0,
  request: {
    groupId: string,
    topics: array({ topicId: uuid, partitions: array({ partition: int32 }) }),
  },
  response: {
    results: array({
      topicId: uuid,
      partitions: array({
        partition: int32,
        errorCode: int16,
        errorMessage: string.nullable().default(null),
      }),
    }),
  },
})
export type DeleteShareGroupStateRequest = Request<typeof deleteShareGroupState>
export type DeleteShareGroupStateResponse = Response<typeof deleteShareGroupState>
