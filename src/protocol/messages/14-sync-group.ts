import { api, array, bytes, int16, int32, type Request, type Response, string } from '../schema.ts'

/**
 * SyncGroup: hands out the assignment that the leader made. v3 group instance id; v4 flexible;
 * v5 protocol type and name (KIP-559).
 */
export const syncGroup = api({
  name: 'SyncGroup',
  key: 14,
  versions: [0, 5],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.nullable().default(null).since(3),
    protocolType: string.nullable().default(null).since(5),
    protocolName: string.nullable().default(null).since(5),
    assignments: array({ memberId: string, assignment: bytes }),
  },
  response: {
    throttleTimeMs: int32.since(1),
    errorCode: int16,
    protocolType: string.nullable().default(null).since(5),
    protocolName: string.nullable().default(null).since(5),
    assignment: bytes,
  },
})
export type SyncGroupRequest = Request<typeof syncGroup>
export type SyncGroupResponse = Response<typeof syncGroup>
