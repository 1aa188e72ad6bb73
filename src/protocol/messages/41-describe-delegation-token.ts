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

/** DescribeDelegationToken. */
export const describeDelegationToken = api({
  name: 'DescribeDelegationToken',
  key: 41,
  versions: [1, 3],
  flexible: 2,
  request: { owners: array({ principalType: string, principalName: string }).nullable() },
  response: {
    errorCode: int16,
    tokens: array({
      principalType: string,
      principalName: string,
      tokenRequesterPrincipalType: string.since(3),
      tokenRequesterPrincipalName: string.since(3),
      issueTimestamp: int64,
      expiryTimestamp: int64,
      maxTimestamp: int64,
      tokenId: string,
      hmac: bytes,
      renewers: array({ principalType: string, principalName: string }),
    }),
    throttleTimeMs: int32,
  },
})
export type DescribeDelegationTokenRequest = Request<typeof describeDelegationToken>
export type DescribeDelegationTokenResponse = Response<typeof describeDelegationToken>
