import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
  uuid,
} from '../schema.ts'

/**
 * OffsetFetch: reads the committed offsets of groups. v2 null means all topics; v7 require
 * stable (KIP-447); v8 several groups; v9 member epoch; v10 topic ids.
 */
export const offsetFetch = api({
  name: 'OffsetFetch',
  key: 9,
  versions: [1, 10],
  flexible: 6,
  request: {
    groupId: string.until(7),
    topics: array({ name: string.until(7), partitionIndexes: array(int32).until(7) })
      .nullable(2)
      .until(7),
    groups: array({
      groupId: string.since(8),
      memberId: string.nullable().default(null).since(9),
      memberEpoch: int32.default(-1).since(9),
      topics: array({
        name: string.since(8).until(9),
        topicId: uuid.since(10),
        partitionIndexes: array(int32).since(8),
      })
        .nullable()
        .since(8),
    }).since(8),
    requireStable: bool.default(false).since(7),
  },
  response: {
    throttleTimeMs: int32.since(3),
    topics: array({
      name: string.until(7),
      partitions: array({
        partitionIndex: int32.until(7),
        committedOffset: int64.until(7),
        committedLeaderEpoch: int32.default(-1).since(5).until(7),
        metadata: string.nullable().until(7),
        errorCode: int16.until(7),
      }).until(7),
    }).until(7),
    errorCode: int16.default(0).since(2).until(7),
    groups: array({
      groupId: string.since(8),
      topics: array({
        name: string.since(8).until(9),
        topicId: uuid.since(10),
        partitions: array({
          partitionIndex: int32.since(8),
          committedOffset: int64.since(8),
          committedLeaderEpoch: int32.default(-1).since(8),
          metadata: string.nullable().since(8),
          errorCode: int16.since(8),
        }).since(8),
      }).since(8),
      errorCode: int16.default(0).since(8),
    }).since(8),
  },
})
export type OffsetFetchRequest = Request<typeof offsetFetch>
export type OffsetFetchResponse = Response<typeof offsetFetch>
