import { api, array, int16, int32, int64, type Request, type Response, uuid } from '../schema.ts'

/** AssignReplicasToDirs. */
export const assignReplicasToDirs = api({
  name: 'AssignReplicasToDirs',
  key: 73,
  versions: [0, 0],
  flexible: 0,
  request: {
    brokerId: int32,
    brokerEpoch: int64.default(-1),
    directories: array({
      id: uuid,
      topics: array({ topicId: uuid, partitions: array({ partitionIndex: int32 }) }),
    }),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    directories: array({
      id: uuid,
      topics: array({
        topicId: uuid,
        partitions: array({ partitionIndex: int32, errorCode: int16 }),
      }),
    }),
  },
})
export type AssignReplicasToDirsRequest = Request<typeof assignReplicasToDirs>
export type AssignReplicasToDirsResponse = Response<typeof assignReplicasToDirs>
