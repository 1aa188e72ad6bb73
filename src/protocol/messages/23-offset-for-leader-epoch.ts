import { api, array, int16, int32, int64, type Request, type Response, string } from '../schema.ts'

/** OffsetForLeaderEpoch: where an epoch ended, for truncation (KIP-101, KIP-320). v4 flexible. */
export const offsetForLeaderEpoch = api({
  name: 'OffsetForLeaderEpoch',
  key: 23,
  versions: [2, 4],
  flexible: 4,
  request: {
    replicaId: int32.default(-2).since(3),
    topics: array({
      topic: string,
      partitions: array({
        partition: int32,
        currentLeaderEpoch: int32.default(-1),
        leaderEpoch: int32,
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      topic: string,
      partitions: array({
        errorCode: int16,
        partition: int32,
        leaderEpoch: int32.default(-1),
        endOffset: int64.default(-1),
      }),
    }),
  },
})
export type OffsetForLeaderEpochRequest = Request<typeof offsetForLeaderEpoch>
export type OffsetForLeaderEpochResponse = Response<typeof offsetForLeaderEpoch>
