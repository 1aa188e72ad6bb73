import {
  api,
  array,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
  uuid,
} from '../schema.ts'

/**
 * OffsetCommit: stores the offsets of a group. v6 leader epoch; v7 static members; v8 flexible;
 * v9 member epoch (KIP-848); v10 topic ids.
 */
export const offsetCommit = api({
  name: 'OffsetCommit',
  key: 8,
  versions: [2, 10],
  flexible: 8,
  request: {
    groupId: string,
    generationIdOrMemberEpoch: int32.default(-1),
    memberId: string,
    groupInstanceId: string.nullable().default(null).since(7),
    retentionTimeMs: int64.default(-1).until(4),
    topics: array({
      name: string.until(9),
      topicId: uuid.since(10),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: int32.default(-1).since(6),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32.since(3),
    topics: array({
      name: string.until(9),
      topicId: uuid.since(10),
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})
export type OffsetCommitRequest = Request<typeof offsetCommit>
export type OffsetCommitResponse = Response<typeof offsetCommit>
