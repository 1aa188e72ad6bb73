import {
  api,
  array,
  bool,
  int16,
  int32,
  type Request,
  type Response,
  string,
  uuid,
} from '../schema.ts'

/**
 * Metadata: brokers, topics, partitions and their leaders; may create topics. v0 empty list
 * means all topics, from v1 on null does. v8 authorized operations; v9 flexible; v10 topic ids;
 * v13 a top-level error.
 */
export const metadata = api({
  name: 'Metadata',
  key: 3,
  versions: [0, 13],
  flexible: 9,
  request: {
    topics: array({ topicId: uuid.since(10), name: string.nullable(10) }).nullable(1),
    allowAutoTopicCreation: bool.default(true).since(4),
    includeClusterAuthorizedOperations: bool.since(8).until(10),
    includeTopicAuthorizedOperations: bool.since(8),
  },
  response: {
    throttleTimeMs: int32.since(3),
    brokers: array({
      nodeId: int32,
      host: string,
      port: int32,
      rack: string.nullable().default(null).since(1),
    }),
    clusterId: string.nullable().default(null).since(2),
    controllerId: int32.default(-1).since(1),
    topics: array({
      errorCode: int16,
      name: string.nullable(12),
      topicId: uuid.since(10),
      isInternal: bool.default(false).since(1),
      partitions: array({
        errorCode: int16,
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: int32.default(-1).since(7),
        replicaNodes: array(int32),
        isrNodes: array(int32),
        offlineReplicas: array(int32).since(5),
      }),
      topicAuthorizedOperations: int32.default(-2147483648).since(8),
    }),
    clusterAuthorizedOperations: int32.default(-2147483648).since(8).until(10),
    errorCode: int16.since(13),
  },
})
export type MetadataRequest = Request<typeof metadata>
export type MetadataResponse = Response<typeof metadata>
