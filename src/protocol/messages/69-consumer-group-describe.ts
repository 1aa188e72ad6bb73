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
  struct,
  uuid,
} from '../schema.ts'

const topicPartitionsFields = { topicId: uuid, topicName: string, partitions: array(int32) }

const assignmentFields = { topicPartitions: array(topicPartitionsFields) }

/**
 * ConsumerGroupDescribe: state, assignor and members of a next-generation group (KIP-848). v1
 * member type.
 */
export const consumerGroupDescribe = api({
  name: 'ConsumerGroupDescribe',
  key: 69,
  versions: [0, 1],
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
        instanceId: string.nullable().default(null),
        rackId: string.nullable().default(null),
        memberEpoch: int32,
        clientId: string,
        clientHost: string,
        subscribedTopicNames: array(string),
        subscribedTopicRegex: string.nullable().default(null),
        assignment: struct(assignmentFields),
        targetAssignment: struct(assignmentFields),
        memberType: int8.default(-1).since(1),
      }),
      authorizedOperations: int32.default(-2147483648),
    }),
  },
})
export type ConsumerGroupDescribeRequest = Request<typeof consumerGroupDescribe>
export type ConsumerGroupDescribeResponse = Response<typeof consumerGroupDescribe>
