import {
  api,
  array,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
  uint16,
  uuid,
} from '../schema.ts'

const replicaStateFields = {
  replicaId: int32,
  replicaDirectoryId: uuid.since(2),
  logEndOffset: int64,
  lastFetchTimestamp: int64.default(-1).since(1),
  lastCaughtUpTimestamp: int64.default(-1).since(1),
}

/** DescribeQuorum: leader, voters and observers of the metadata quorum (KIP-595). */
export const describeQuorum = api({
  name: 'DescribeQuorum',
  key: 55,
  versions: [0, 2],
  flexible: 0,
  request: { topics: array({ topicName: string, partitions: array({ partitionIndex: int32 }) }) },
  response: {
    errorCode: int16,
    errorMessage: string.nullable().since(2),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        errorMessage: string.nullable().since(2),
        leaderId: int32,
        leaderEpoch: int32,
        highWatermark: int64,
        currentVoters: array(replicaStateFields),
        observers: array(replicaStateFields),
      }),
    }),
    nodes: array({
      nodeId: int32.since(2),
      listeners: array({
        name: string.since(2),
        host: string.since(2),
        port: uint16.since(2),
      }).since(2),
    }).since(2),
  },
})
export type DescribeQuorumRequest = Request<typeof describeQuorum>
export type DescribeQuorumResponse = Response<typeof describeQuorum>
