import { api, bytes, int16, type Request, type Response } from '../schema.ts'

/** Envelope: a client's request forwarded to the controller (KIP-590). */
export const envelope = api({
  name: 'Envelope',
  key: 58,
  versions: [0, 0],
  flexible: 0,
  request: { requestData: bytes, requestPrincipal: bytes.nullable(), clientHostAddress: bytes },
  response: { responseData: bytes.nullable().default(null), errorCode: int16 },
})
export type EnvelopeRequest = Request<typeof envelope>
export type EnvelopeResponse = Response<typeof envelope>
