import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  type Request,
  type Response,
  string,
  uuid,
} from '../schema.ts'

/**
 * CreateTopics. v4 default partitions and replication; v5 flexible, configs echoed (KIP-525); v7
 * topic ids.
 */
export const createTopics = api({
  name: 'CreateTopics',
  key: 19,
  versions: [2, 7],
  flexible: 5,
  request: {
    topics: array({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: array({ partitionIndex: int32, brokerIds: array(int32) }),
      configs: array({ name: string, value: string.nullable() }),
    }),
    timeoutMs: int32.default(60000),
    validateOnly: bool.default(false),
  },
  response: {
    throttleTimeMs: int32,
    topics: array({
      name: string,
      topicId: uuid.since(7),
      errorCode: int16,
      errorMessage: string.nullable(),
      topicConfigErrorCode: int16.since(5).tagged(0),
      numPartitions: int32.default(-1).since(5),
      replicationFactor: int16.default(-1).since(5),
      configs: array({
        name: string.since(5),
        value: string.nullable().since(5),
        readOnly: bool.since(5),
        configSource: int8.default(-1).since(5),
        isSensitive: bool.since(5),
      })
        .nullable()
        .since(5),
    }),
  },
})
export type CreateTopicsRequest = Request<typeof createTopics>
export type CreateTopicsResponse = Response<typeof createTopics>
