import {
  api,
  array,
  int16,
  int32,
  type Request,
  type Response,
  string,
  uint16,
  uuid,
} from '../schema.ts'

/** BeginQuorumEpoch: the new leader of the metadata quorum presents itself (KIP-595). */
export const beginQuorumEpoch = api({
  name: 'BeginQuorumEpoch',
  key: 53,
  versions: [0, 1],
  flexible: 1,
  request: {
    clusterId: string.nullable().default(null),
    voterId: int32.default(-1).since(1),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        voterDirectoryId: uuid.since(1),
        leaderId: int32,
        leaderEpoch: int32,
      }),
    }),
    leaderEndpoints: array({
      name: string.since(1),
      host: string.since(1),
      port: uint16.since(1),
    }).since(1),
  },
  response: {
    errorCode: int16,
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        errorCode: int16,
        leaderId: int32,
        leaderEpoch: int32,
      }),
    }),
    nodeEndpoints: array({ nodeId: int32.since(1), host: string.since(1), port: uint16.since(1) })
      .since(1)
      .tagged(0),
  },
})
export type BeginQuorumEpochRequest = Request<typeof beginQuorumEpoch>
export type BeginQuorumEpochResponse = Response<typeof beginQuorumEpoch>
