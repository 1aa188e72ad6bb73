import { api, array, int8, int16, int32, type Request, type Response, string } from '../schema.ts'

/** ElectLeaders. */
export const electLeaders = api({
  name: 'ElectLeaders',
  key: 43,
  versions: [0, 2],
  flexible: 2,
  request: {
    electionType: int8.since(1),
    topicPartitions: array({ topic: string, partitions: array(int32) }).nullable(),
    timeoutMs: int32.default(60000),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.since(1),
    replicaElectionResults: array({
      topic: string,
      partitionResult: array({
        partitionId: int32,
        errorCode: int16,
        errorMessage: string.nullable(),
      }),
    }),
  },
})
export type ElectLeadersRequest = Request<typeof electLeaders>
export type ElectLeadersResponse = Response<typeof electLeaders>
