import { api, bytes, int16, int32, int64, type Request, type Response } from '../schema.ts'

/** ExpireDelegationToken. */
export const expireDelegationToken = api({
  name: 'ExpireDelegationToken',
  key: 40,
  versions: [1, 2],
  flexible: 2,
  request: { hmac: bytes, expiryTimePeriodMs: int64 },
  response: { errorCode: int16, expiryTimestampMs: int64, throttleTimeMs: int32 },
})
export type ExpireDelegationTokenRequest = Request<typeof expireDelegationToken>
export type ExpireDelegationTokenResponse = Response<typeof expireDelegationToken>
