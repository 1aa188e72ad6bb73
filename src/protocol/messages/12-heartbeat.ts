import { api, int16, int32, type Request, type Response, string } from '../schema.ts'

/**
 * Heartbeat: keeps a classic member's session alive and tells it of a rebalance. v3 group
 * instance id (KIP-345); v4 flexible.
 */
export const heartbeat = api({
  name: 'Heartbeat',
  key: 12,
  versions: [0, 4],
  flexible: 4,
  request: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.nullable().default(null).since(3),
  },
  response: { throttleTimeMs: int32.since(1), errorCode: int16 },
})
export type HeartbeatRequest = Request<typeof heartbeat>
export type HeartbeatResponse = Response<typeof heartbeat>
