import { api, array, int8, int16, int32, type Request, type Response, string } from '../schema.ts'

/**
 * FindCoordinator: which broker coordinates a group (0), a transactional id (1) or a share
 * partition (2). v4 several keys at once (KIP-699).
 */
export const findCoordinator = api({
  name: 'FindCoordinator',
  key: 10,
  versions: [0, 6],
  flexible: 3,
  request: {
    key: string.until(3),
    keyType: int8.default(0).since(1),
    coordinatorKeys: array(string).since(4),
  },
  response: {
    throttleTimeMs: int32.since(1),
    errorCode: int16.until(3),
    errorMessage: string.nullable().since(1).until(3),
    nodeId: int32.until(3),
    host: string.until(3),
    port: int32.until(3),
    coordinators: array({
      key: string.since(4),
      nodeId: int32.since(4),
      host: string.since(4),
      port: int32.since(4),
      errorCode: int16.since(4),
      errorMessage: string.nullable().since(4),
    }).since(4),
  },
})
export type FindCoordinatorRequest = Request<typeof findCoordinator>
export type FindCoordinatorResponse = Response<typeof findCoordinator>
