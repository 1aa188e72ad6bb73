import { errorCode } from '../../protocol/errors.ts'
import { saslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { handler } from '../handler.ts'

const failed = (code: number, errorMessage: string | null) => ({
  errorCode: code,
  errorMessage,
  authBytes: Buffer.alloc(0),
})

/** SaslAuthenticate: refused with Kafka's error code on listeners without SASL. */
export const handleSaslAuthenticate = handler(
  saslAuthenticate,
  (_request, _context, _services: object) =>
    failed(
      errorCode('ILLEGAL_SASL_STATE'),
      'SaslAuthenticate request received after successful authentication',
    ),
  (_request, _context, code) => failed(code, null),
)
