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

/** EndQuorumEpoch: the leader of the metadata quorum steps down (KIP-595). */
export const endQuorumEpoch = api({
  name: 'EndQuorumEpoch',
  key: 54,
  versions: [0, 1],
  flexible: 1,
  request: {
    clusterId: string.nullable().default(null),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        leaderId: int32,
        leaderEpoch: int32,
        preferredSuccessors: array(int32).until(0),
        preferredCandidates: array({
          candidateId: int32.since(1),
          candidateDirectoryId: uuid.since(1),
        }).since(1),
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
export type EndQuorumEpochRequest = Request<typeof endQuorumEpoch>
export type EndQuorumEpochResponse = Response<typeof endQuorumEpoch>
