import { errorCode } from '../../protocol/errors.ts'
import { expireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import { handler } from '../handler.ts'

const failed = (code: number) => ({ errorCode: code, expiryTimestampMs: -1, throttleTimeMs: 0 })

/** ExpireDelegationToken: not for who came by PLAINTEXT, who could be anybody (KIP-48). */
export const handleExpireDelegationToken = handler(
  expireDelegationToken,
  () => failed(errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')),
  (_request, _context, code) => failed(code),
)
