import { api, array, int16, int32, type Request, type Response, string, uuid } from '../schema.ts'

/** DeleteShareGroupOffsets. */
export const deleteShareGroupOffsets = api({
  name: 'DeleteShareGroupOffsets',
  key: 92,
  versions: [0, 0],
  flexible: 0,
  request: { groupId: string, topics: array({ topicName: string }) },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    responses: array({
      topicName: string,
      topicId: uuid,
      errorCode: int16,
      errorMessage: string.nullable().default(null),
    }),
  },
})
export type DeleteShareGroupOffsetsRequest = Request<typeof deleteShareGroupOffsets>
export type DeleteShareGroupOffsetsResponse = Response<typeof deleteShareGroupOffsets>
