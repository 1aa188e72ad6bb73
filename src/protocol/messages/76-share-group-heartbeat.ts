import {
  api,
  array,
  int16,
  int32,
  type Request,
  type Response,
  string,
  struct,
  uuid,
} from '../schema.ts'

const topicPartitionsFields = { topicId: uuid, partitions: array(int32) }

/** ShareGroupHeartbeat. */
export const shareGroupHeartbeat = api({
  name: 'ShareGroupHeartbeat',
  key: 76,
  versions: [1, 1],
  flexible: 0,
  request: {
    groupId: string,
    memberId: string,
    memberEpoch: int32,
    rackId: string.nullable().default(null),
    subscribedTopicNames: array(string).nullable().default(null),
  },
  response: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    memberId: string.nullable().default(null),
    memberEpoch: int32,
    heartbeatIntervalMs: int32,
    assignment: struct({ topicPartitions: array(topicPartitionsFields) })
      .nullable()
      .default(null),
  },
})
export type ShareGroupHeartbeatRequest = Request<typeof shareGroupHeartbeat>
export type ShareGroupHeartbeatResponse = Response<typeof shareGroupHeartbeat>
