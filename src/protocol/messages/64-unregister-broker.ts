import { api, int16, int32, type Request, type Response, string } from '../schema.ts'

/** UnregisterBroker. */
export const unregisterBroker = api({
  name: 'UnregisterBroker',
  key: 64,
  versions: [0, 0],
  flexible: 0,
  request: { brokerId: int32 },
  response: { throttleTimeMs: int32, errorCode: int16, errorMessage: string.nullable() },
})
export type UnregisterBrokerRequest = Request<typeof unregisterBroker>
export type UnregisterBrokerResponse = Response<typeof unregisterBroker>
