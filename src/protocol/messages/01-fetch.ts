import {
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * Fetch: reads record batches, for consumers and followers. v7 fetch sessions (KIP-227); v9
 * leader epoch (KIP-320); v11 rack (KIP-392); v12 flexible; v13 topic ids (KIP-516); v16 node
 * endpoints (KIP-951); v18 high watermark (KIP-1166).
 */
export const fetch = api({
  name: 'Fetch',
  key: 1,
  versions: [4, 18],
  flexible: 12,
  request: {
    clusterId: string.nullable().default(null).since(12).tagged(0),
    replicaId: int32.default(-1).until(14),
    replicaState: struct({
      replicaId: int32.default(-1).since(15),
      replicaEpoch: int64.default(-1).since(15),
    })
      .since(15)
      .tagged(1),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32.default(0x7fffffff),
    isolationLevel: int8.default(0),
    sessionId: int32.default(0).since(7),
    sessionEpoch: int32.default(-1).since(7),
    topics: array({
      topic: string.until(12),
      topicId: uuid.since(13),
      partitions: array({
        partition: int32,
        currentLeaderEpoch: int32.default(-1).since(9),
        fetchOffset: int64,
        lastFetchedEpoch: int32.default(-1).since(12),
        logStartOffset: int64.default(-1).since(5),
        partitionMaxBytes: int32,
        replicaDirectoryId: uuid.since(17).tagged(0),
        highWatermark: int64
          .default(2 ** 63)
          .since(18)
          .tagged(1),
      }),
    }),
    forgottenTopicsData: array({
      topic: string.since(7).until(12),
      topicId: uuid.since(13),
      partitions: array(int32).since(7),
    }).since(7),
    rackId: string.default('').since(11),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16.since(7),
    sessionId: int32.default(0).since(7),
    responses: array({
      topic: string.until(12),
      topicId: uuid.since(13),
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        highWatermark: int64,
        lastStableOffset: int64.default(-1),
        logStartOffset: int64.default(-1).since(5),
        divergingEpoch: struct({
          epoch: int32.default(-1).since(12),
          endOffset: int64.default(-1).since(12),
        })
          .since(12)
          .tagged(0),
        currentLeader: struct({
          leaderId: int32.default(-1).since(12),
          leaderEpoch: int32.default(-1).since(12),
        })
          .since(12)
          .tagged(1),
        snapshotId: struct({ endOffset: int64.default(-1), epoch: int32.default(-1) })
          .since(12)
          .tagged(2),
        abortedTransactions: array({ producerId: int64, firstOffset: int64 }).nullable(),
        preferredReadReplica: int32.default(-1).since(11),
        records: records.nullable(),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32.since(16),
      host: string.since(16),
      port: int32.since(16),
      rack: string.nullable().default(null).since(16),
    })
      .since(16)
      .tagged(0),
  },
})
export type FetchRequest = Request<typeof fetch>
export type FetchResponse = Response<typeof fetch>
