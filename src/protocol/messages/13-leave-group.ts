import { api, array, int16, int32, type Request, type Response, string } from '../schema.ts'

/**
 * LeaveGroup: takes members out of a classic group. v3 several members (KIP-345); v4 flexible;
 * v5 reason (KIP-800).
 */
export const leaveGroup = api({
  name: 'LeaveGroup',
  key: 13,
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    memberId: string.until(2),
    members: array({
      memberId: string.since(3),
      groupInstanceId: string.nullable().default(null).since(3),
      reason: string.nullable().default(null).since(5),
    }).since(3),
  },
  response: {
    throttleTimeMs: int32.since(1),
    errorCode: int16,
    members: array({
      memberId: string.since(3),
      groupInstanceId: string.nullable().since(3),
      errorCode: int16.since(3),
    }).since(3),
  },
})
export type LeaveGroupRequest = Request<typeof leaveGroup>
export type LeaveGroupResponse = Response<typeof leaveGroup>
