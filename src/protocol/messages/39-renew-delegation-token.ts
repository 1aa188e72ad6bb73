import { api, bytes, int16, int32, int64, type Request, type Response } from '../schema.ts'

/** RenewDelegationToken. */
export const renewDelegationToken = api({
  name: 'RenewDelegationToken',
  key: 39,
  versions: [1, 2],
  flexible: 2,
  request: { hmac: bytes, renewPeriodMs: int64 },
  response: { errorCode: int16, expiryTimestampMs: int64, throttleTimeMs: int32 },
})
export type RenewDelegationTokenRequest = Request<typeof renewDelegationToken>
export type RenewDelegationTokenResponse = Response<typeof renewDelegationToken>
