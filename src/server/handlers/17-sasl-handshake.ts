import { errorCode } from '../../protocol/errors.ts'
import { saslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { handler } from '../handler.ts'

const failed = (code: number) => ({ errorCode: code, mechanisms: [] })

/** SaslHandshake: refused with Kafka's error code on listeners without SASL. */
export const handleSaslHandshake = handler(
  saslHandshake,
  (_request, _context, _services: object) => failed(errorCode('ILLEGAL_SASL_STATE')),
  (_request, _context, code) => failed(code),
)
