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
 * JoinGroup: enters a classic group and waits for the generation to be complete. v4 member id
 * required (KIP-394); v5 static members (KIP-345); v6 flexible; v8 reason (KIP-800); v9 skip
 * assignment.
 */
export const joinGroup = api({
  name: 'JoinGroup',
  key: 11,
  versions: [0, 9],
  flexible: 6,
  request: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32.default(-1).since(1),
    memberId: string,
    groupInstanceId: string.nullable().default(null).since(5),
    protocolType: string,
    protocols: array({ name: string, metadata: bytes }),
    reason: string.nullable().default(null).since(8),
  },
  response: {
    throttleTimeMs: int32.since(2),
    errorCode: int16,
    generationId: int32.default(-1),
    protocolType: string.nullable().default(null).since(7),
    protocolName: string.nullable(7),
    leader: string,
    skipAssignment: bool.default(false).since(9),
    memberId: string,
    members: array({
      memberId: string,
      groupInstanceId: string.nullable().default(null).since(5),
      metadata: bytes,
    }),
  },
})
export type JoinGroupRequest = Request<typeof joinGroup>
export type JoinGroupResponse = Response<typeof joinGroup>
