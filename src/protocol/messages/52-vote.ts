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
  uint16,
  uuid,
} from '../schema.ts'

/** Vote: asks for a vote in the metadata quorum (KIP-595); v2 pre-vote (KIP-996). */
export const vote = api({
  name: 'Vote',
  key: 52,
  versions: [0, 2],
  flexible: 0,
  request: {
    clusterId: string.nullable().default(null),
    voterId: int32.default(-1).since(1),
    topics: array({
      topicName: string,
      partitions: array({
        partitionIndex: int32,
        replicaEpoch: int32,
        replicaId: int32,
        replicaDirectoryId: uuid.since(1),
        voterDirectoryId: uuid.since(1),
        lastOffsetEpoch: int32,
        lastOffset: int64,
        preVote: bool.since(2),
      }),
    }),
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
        voteGranted: bool,
      }),
    }),
    nodeEndpoints: array({ nodeId: int32.since(1), host: string.since(1), port: uint16.since(1) })
      .since(1)
      .tagged(0),
  },
})
export type VoteRequest = Request<typeof vote>
export type VoteResponse = Response<typeof vote>
