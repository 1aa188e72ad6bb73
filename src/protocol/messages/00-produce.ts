import {
  api,
  array,
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
 * Produce: appends record batches. v9 flexible; v10 names the new leader (KIP-951); v12 adds
 * partitions to the transaction (KIP-890); v13 names topics by id. v0-v2 are advertised but
 * answered UNSUPPORTED_VERSION.
 */
export const produce = api({
  name: 'Produce',
  key: 0,
  versions: [3, 13],
  flexible: 9,
  request: {
    transactionalId: string.nullable().default(null),
    acks: int16,
    timeoutMs: int32,
    topicData: array({
      name: string.until(12),
      topicId: uuid.since(13),
      partitionData: array({ index: int32, records: records.nullable() }),
    }),
  },
  response: {
    responses: array({
      name: string.until(12),
      topicId: uuid.since(13),
      partitionResponses: array({
        index: int32,
        errorCode: int16,
        baseOffset: int64,
        logAppendTimeMs: int64.default(-1),
        logStartOffset: int64.default(-1).since(5),
        recordErrors: array({
          batchIndex: int32.since(8),
          batchIndexErrorMessage: string.nullable().default(null).since(8),
        }).since(8),
        errorMessage: string.nullable().default(null).since(8),
        currentLeader: struct({
          leaderId: int32.default(-1).since(10),
          leaderEpoch: int32.default(-1).since(10),
        })
          .since(10)
          .tagged(0),
      }),
    }),
    throttleTimeMs: int32.default(0),
    nodeEndpoints: array({
      nodeId: int32.since(10),
      host: string.since(10),
      port: int32.since(10),
      rack: string.nullable().default(null).since(10),
    })
      .since(10)
      .tagged(0),
  },
})
export type ProduceRequest = Request<typeof produce>
export type ProduceResponse = Response<typeof produce>
