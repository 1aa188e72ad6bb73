import { api, array, int16, type Request, type Response, string } from '../schema.ts'

/**
 * SaslHandshake: chooses a SASL mechanism. Never flexible, so that every client can read the
 * refusal.
 */
export const saslHandshake = api({
  name: 'SaslHandshake',
  key: 17,
  versions: [0, 1],
  flexible: null,
  request: { mechanism: string },
  response: { errorCode: int16, mechanisms: array(string) },
})
export type SaslHandshakeRequest = Request<typeof saslHandshake>
export type SaslHandshakeResponse = Response<typeof saslHandshake>
