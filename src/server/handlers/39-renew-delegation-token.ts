import { renewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import { expiryRefused } from '../delegation-tokens.ts'
import { handler } from '../handler.ts'

/** RenewDelegationToken: tokens are disabled, as in Kafka without a secret key (KIP-48). */
export const handleRenewDelegationToken = handler(
  renewDelegationToken,
  (_request, context) => expiryRefused(context),
  (_request, _context, code) => ({ errorCode: code, expiryTimestampMs: -1 }),
)
