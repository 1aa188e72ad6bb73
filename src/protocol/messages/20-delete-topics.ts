import { api, array, int16, int32, type Request, type Response, string, uuid } from '../schema.ts'

/** DeleteTopics. v4 flexible; v6 by topic id (KIP-516). */
export const deleteTopics = api({
  name: 'DeleteTopics',
  key: 20,
  versions: [1, 6],
  flexible: 4,
  request: {
    topics: array({ name: string.nullable().default(null).since(6), topicId: uuid.since(6) }).since(
      6,
    ),
    topicNames: array(string).until(5),
    timeoutMs: int32,
  },
  response: {
    throttleTimeMs: int32,
    responses: array({
      name: string.nullable(6),
      topicId: uuid.since(6),
      errorCode: int16,
      errorMessage: string.nullable().default(null).since(5),
    }),
  },
})
export type DeleteTopicsRequest = Request<typeof deleteTopics>
export type DeleteTopicsResponse = Response<typeof deleteTopics>
