import { renewDelegationToken as api } from '../../protocol/messages/39-renew-delegation-token.ts'
import { changeNotAllowed, mayAskForTokens } from '../delegation-tokens.ts'
import { handler } from '../handler.ts'

/** RenewDelegationToken: forwarded, if the client may ask for tokens at all (KIP-48). */
export const handleRenewDelegationToken = handler(
  api,
  async (_request, context, { forwarder }) =>
    mayAskForTokens(context) ? forwarder.forward(api, context) : changeNotAllowed,
  (_request, _context, code) => ({ errorCode: code, expiryTimestampMs: -1 }),
)
