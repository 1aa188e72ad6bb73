import {
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/**
 * ListOffsets: offsets by timestamp or by the special times -1 to -6. v2 isolation level; v4
 * leader epoch; v6 flexible; v7 max timestamp (KIP-734); v8/v9 tiered storage; v10 timeout.
 */
export const listOffsets = api({
  name: 'ListOffsets',
  key: 2,
  versions: [1, 11],
  flexible: 6,
  request: {
    replicaId: int32,
    isolationLevel: int8.since(2),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        currentLeaderEpoch: int32.default(-1).since(4),
        timestamp: int64,
      }),
    }),
    timeoutMs: int32.since(10),
  },
  response: {
    throttleTimeMs: int32.since(2),
    topics: array({
      name: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        timestamp: int64.default(-1),
        offset: int64.default(-1),
        leaderEpoch: int32.default(-1).since(4),
      }),
    }),
  },
})
export type ListOffsetsRequest = Request<typeof listOffsets>
export type ListOffsetsResponse = Response<typeof listOffsets>
