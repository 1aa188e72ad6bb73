import { type CreatedToken, createToken } from '../../../metadata/controller/delegation-tokens.ts'
import type { TokenPrincipal } from '../../../metadata/delegation-tokens.ts'
import { errorCode } from '../../../protocol/errors.ts'
import { createDelegationToken } from '../../../protocol/messages/38-create-delegation-token.ts'
import { anonymous } from '../../../security/authorizer.ts'
import { tokenHmac } from '../../../security/delegation-tokens.ts'
import { noToken, ownerOf, refusedToken } from '../../delegation-tokens.ts'
import { controllerHandler } from '../handler.ts'

function answerOf(created: CreatedToken, owner: TokenPrincipal, requester: TokenPrincipal) {
  const base = noToken(errorCode(created.error), owner, requester, 0)
  if (created.token === null) return base
  const { token, hmac } = created
  return {
    ...base,
    issueTimestampMs: token.issueTimestamp,
    expiryTimestampMs: token.expirationTimestamp,
    maxTimestampMs: token.maxTimestamp,
    tokenId: token.tokenId,
    hmac,
  }
}

/** CreateDelegationToken: for the client itself, or from v3 on for another user (KIP-48, 373). */
export const handleCreateDelegationToken = controllerHandler(
  createDelegationToken,
  async (request, context, services) => {
    const refused = refusedToken(request, context, services)
    if (refused !== null) return refused
    const { principal } = context.session
    const owner = ownerOf(request, context)
    const renewers = request.renewers.map(({ principalType, principalName }) => ({
      type: principalType,
      name: principalName,
    }))
    const { maxLifetimeMs } = request
    const asked = { owner, requester: principal, renewers, maxLifetimeMs, hmacOf: tokenHmac }
    return answerOf(await services.metadata.submit(createToken(asked)), owner, principal)
  },
  (_request, _context, code) => noToken(code, anonymous, anonymous),
)
