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
 * TxnOffsetCommit: offsets that count once the transaction commits. v3 flexible, group metadata
 * (KIP-447); v5 implicit adding (KIP-890); v6 topic ids.
 */
export const txnOffsetCommit = api({
  name: 'TxnOffsetCommit',
  key: 28,
  versions: [0, 6],
  flexible: 3,
  request: {
    transactionalId: string,
    groupId: string,
    producerId: int64,
    producerEpoch: int16,
    generationIdOrMemberEpoch: int32.default(-1).since(3),
    memberId: string.default('').since(3),
    groupInstanceId: string.nullable().default(null).since(3),
    topics: array({
      name: string.until(5),
      topicId: uuid.since(6),
      partitions: array({
        partitionIndex: int32,
        committedOffset: int64,
        committedLeaderEpoch: int32.default(-1).since(2),
        committedMetadata: string.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string.until(5),
      topicId: uuid.since(6),
      partitions: array({ partitionIndex: int32, errorCode: int16 }),
    }),
  },
})
export type TxnOffsetCommitRequest = Request<typeof txnOffsetCommit>
export type TxnOffsetCommitResponse = Response<typeof txnOffsetCommit>
