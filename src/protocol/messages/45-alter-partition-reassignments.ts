import { api, array, bool, int16, int32, type Request, type Response, string } from '../schema.ts'

/** AlterPartitionReassignments. */
export const alterPartitionReassignments = api({
  name: 'AlterPartitionReassignments',
  key: 45,
  versions: [0, 1],
  flexible: 0,
  request: {
    timeoutMs: int32.default(60000),
    allowReplicationFactorChange: bool.default(true).since(1),
    topics: array({
      name: string,
      partitions: array({ partitionIndex: int32, replicas: array(int32).nullable().default(null) }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    allowReplicationFactorChange: bool.default(true).since(1),
    errorCode: int16,
    errorMessage: string.nullable(),
    responses: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: string.nullable(),
      }),
    }),
  },
})
export type AlterPartitionReassignmentsRequest = Request<typeof alterPartitionReassignments>
export type AlterPartitionReassignmentsResponse = Response<typeof alterPartitionReassignments>
