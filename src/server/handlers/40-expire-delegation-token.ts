import { expireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import { expiryRefused } from '../delegation-tokens.ts'
import { handler } from '../handler.ts'

/** ExpireDelegationToken: tokens are disabled, as in Kafka without a secret key (KIP-48). */
export const handleExpireDelegationToken = handler(
  expireDelegationToken,
  (_request, context) => expiryRefused(context),
  (_request, _context, code) => ({ errorCode: code, expiryTimestampMs: -1 }),
)
