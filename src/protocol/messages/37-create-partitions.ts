import { api, array, bool, int16, int32, type Request, type Response, string } from '../schema.ts'

/**
 * CreatePartitions: raises the number of partitions. v2 flexible; v3 THROTTLING_QUOTA_EXCEEDED.
 */
export const createPartitions = api({
  name: 'CreatePartitions',
  key: 37,
  versions: [0, 3],
  flexible: 2,
  request: {
    topics: array({
      name: string,
      count: int32,
      assignments: array({ brokerIds: array(int32) }).nullable(),
    }),
    timeoutMs: int32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: int32,
    results: array({
      name: string,
      errorCode: int16,
      errorMessage: string.nullable().default(null),
    }),
  },
})
export type CreatePartitionsRequest = Request<typeof createPartitions>
export type CreatePartitionsResponse = Response<typeof createPartitions>
