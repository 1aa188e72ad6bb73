import { createDelegationToken as api } from '../../protocol/messages/38-create-delegation-token.ts'
import { anonymous } from '../../security/authorizer.ts'
import { noToken, refusedToken } from '../delegation-tokens.ts'
import { handler } from '../handler.ts'

/** CreateDelegationToken: forwarded, if the client may ask for the token (KIP-48, 373). */
export const handleCreateDelegationToken = handler(
  api,
  async (request, context, services) =>
    refusedToken(request, context, services) ?? services.forwarder.forward(api, context),
  (_request, _context, code) => noToken(code, anonymous, anonymous),
)
