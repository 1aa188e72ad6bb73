import {
  api,
  array,
  bytes,
  int16,
  int32,
  int64,
  type Request,
  type Response,
  string,
} from '../schema.ts'

/** CreateDelegationToken. */
export const createDelegationToken = api({
  name: 'CreateDelegationToken',
  key: 38,
  versions: [1, 3],
  flexible: 2,
  request: {
    ownerPrincipalType: string.nullable().since(3),
    ownerPrincipalName: string.nullable().since(3),
    renewers: array({ principalType: string, principalName: string }),
    maxLifetimeMs: int64,
  },
  response: {
    errorCode: int16,
    principalType: string,
    principalName: string,
    tokenRequesterPrincipalType: string.since(3),
    tokenRequesterPrincipalName: string.since(3),
    issueTimestampMs: int64,
    expiryTimestampMs: int64,
    maxTimestampMs: int64,
    tokenId: string,
    hmac: bytes,
    throttleTimeMs: int32,
  },
})
export type CreateDelegationTokenRequest = Request<typeof createDelegationToken>
export type CreateDelegationTokenResponse = Response<typeof createDelegationToken>
