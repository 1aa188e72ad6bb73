import { errorCode } from '../../protocol/errors.ts'
import { renewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import { handler } from '../handler.ts'

const failed = (code: number) => ({ errorCode: code, expiryTimestampMs: -1, throttleTimeMs: 0 })

/** RenewDelegationToken: not for who came by PLAINTEXT, who could be anybody (KIP-48). */
export const handleRenewDelegationToken = handler(
  renewDelegationToken,
  () => failed(errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')),
  (_request, _context, code) => failed(code),
)
