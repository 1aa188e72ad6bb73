import { api, bytes, int16, int64, type Request, type Response, string } from '../schema.ts'

/** SaslAuthenticate. */
export const saslAuthenticate = api({
  name: 'SaslAuthenticate',
  key: 36,
  versions: [0, 2],
  flexible: 2,
  request: { authBytes: bytes },
  response: {
    errorCode: int16,
    errorMessage: string.nullable(),
    authBytes: bytes,
    sessionLifetimeMs: int64.default(0).since(1),
  },
})
export type SaslAuthenticateRequest = Request<typeof saslAuthenticate>
export type SaslAuthenticateResponse = Response<typeof saslAuthenticate>
