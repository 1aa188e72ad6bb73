import { errorCode } from '../../protocol/errors.ts'
import { describeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts'
import { handler } from '../handler.ts'

const failed = (code: number) => ({ errorCode: code, tokens: [], throttleTimeMs: 0 })

/** DescribeDelegationToken: not for who came by PLAINTEXT, who could be anybody (KIP-48). */
export const handleDescribeDelegationToken = handler(
  describeDelegationToken,
  () => failed(errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')),
  (_request, _context, code) => failed(code),
)
