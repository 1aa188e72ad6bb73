import { expireDelegationToken as api } from '../../protocol/messages/40-expire-delegation-token.ts'
import { changeNotAllowed, mayAskForTokens } from '../delegation-tokens.ts'
import { handler } from '../handler.ts'

/** ExpireDelegationToken: forwarded, if the client may ask for tokens at all (KIP-48). */
export const handleExpireDelegationToken = handler(
  api,
  async (_request, context, { forwarder }) =>
    mayAskForTokens(context) ? forwarder.forward(api, context) : changeNotAllowed,
  (_request, _context, code) => ({ errorCode: code, expiryTimestampMs: -1 }),
)
