import {
  api,
  array,
  bool,
  bytes,
  int16,
  int32,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/**
 * DescribeGroups: state and members of classic groups. v3 authorized operations; v4 group
 * instance id; v5 flexible; v6 GROUP_ID_NOT_FOUND.
 */
export const describeGroups = api({
  name: 'DescribeGroups',
  key: 15,
  versions: [0, 6],
  flexible: 5,
  request: { groups: array(string), includeAuthorizedOperations: bool.since(3) },
  response: {
    throttleTimeMs: int32.since(1),
    groups: array({
      errorCode: int16,
      errorMessage: string.nullable().default(null).since(6),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array({
        memberId: string,
        groupInstanceId: string.nullable().default(null).since(4),
        clientId: string,
        clientHost: string,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: int32.default(-2147483648).since(3),
    }),
  },
})
export type DescribeGroupsRequest = Request<typeof describeGroups>
export type DescribeGroupsResponse = Response<typeof describeGroups>
