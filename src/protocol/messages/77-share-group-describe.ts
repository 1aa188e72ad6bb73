import {
  api,
  array,
  bool,
  int16,
  int32,
  type Request,
  type Response,
  string,
  struct,
  uuid,
} from '../schema.ts'

const topicPartitionsFields = { topicId: uuid, topicName: string, partitions: array(int32) }

const assignmentFields = { topicPartitions: array(topicPartitionsFields) }

/** ShareGroupDescribe. */
export const shareGroupDescribe = api({
  name: 'ShareGroupDescribe',
  key: 77,
  versions: [1, 1],
  flexible: 0,
  request: { groupIds: array(string), includeAuthorizedOperations: bool },
  response: {
    throttleTimeMs: int32,
    groups: array({
      errorCode: int16,
      errorMessage: string.nullable().default(null),
      groupId: string,
      groupState: string,
      groupEpoch: int32,
      assignmentEpoch: int32,
      assignorName: string,
      members: array({
        memberId: string,
        rackId: string.nullable().default(null),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        assignment: struct(assignmentFields),
      }),
      authorizedOperations: int32.default(-2147483648),
    }),
  },
})
export type ShareGroupDescribeRequest = Request<typeof shareGroupDescribe>
export type ShareGroupDescribeResponse = Response<typeof shareGroupDescribe>
