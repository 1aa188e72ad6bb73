import { api, int16, int32, type Request, type Response, string } from '../schema.ts'

/** UnregisterController. */
export const unregisterController = api({
  name: 'UnregisterController',
  key: 94,
  versions: [0, 0],
  flexible: 0,
  request: { controllerId: int32 },
  response: { throttleTimeMs: int32, errorCode: int16, errorMessage: string.nullable() },
})
export type UnregisterControllerRequest = Request<typeof unregisterController>
export type UnregisterControllerResponse = Response<typeof unregisterController>
