import { type CreatedToken, createToken } from '../../../metadata/controller/delegation-tokens.ts'
import {
  isSamePrincipal,
  principalText,
  type TokenPrincipal,
} from '../../../metadata/delegation-tokens.ts'
import { ApiError, type ErrorName, errorCode } from '../../../protocol/errors.ts'
import { createDelegationToken } from '../../../protocol/messages/38-create-delegation-token.ts'
import { anonymous } from '../../../security/authorizer.ts'
import { tokenHmac } from '../../../security/delegation-tokens.ts'
import { mayAccess } from '../../access.ts'
import { mayAskForTokens } from '../../delegation-tokens.ts'
import { controllerHandler } from '../handler.ts'

const nothing = Buffer.alloc(0)

/** @param timeMs the three times, which are -1 in the broker's refusals, 0 in the controller's. */
const failed = (code: number, owner: TokenPrincipal, requester: TokenPrincipal, timeMs = -1) => ({
  errorCode: code,
  principalType: owner.type,
  principalName: owner.name,
  tokenRequesterPrincipalType: requester.type,
  tokenRequesterPrincipalName: requester.name,
  issueTimestampMs: timeMs,
  expiryTimestampMs: timeMs,
  maxTimestampMs: timeMs,
  tokenId: '',
  hmac: nothing,
})

function answerOf(created: CreatedToken, owner: TokenPrincipal, requester: TokenPrincipal) {
  const base = failed(errorCode(created.error), owner, requester, 0)
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
    const { ownerPrincipalType: type, ownerPrincipalName: name } = request
    const { principal } = context.session
    const isNamed = context.apiVersion >= 3 && name !== null && name !== ''
    if (isNamed && type === null) throw new ApiError('UNKNOWN_SERVER_ERROR', 'An owner of no type.')
    const owner = isNamed ? { type: type!, name } : principal
    const refuse = (error: ErrorName) => failed(errorCode(error), owner, principal)
    if (!mayAskForTokens(context)) return refuse('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')
    if (
      !isSamePrincipal(owner, principal) &&
      !mayAccess(services, context, 'CREATE_TOKENS', 'user', principalText(owner))
    ) {
      return refuse('DELEGATION_TOKEN_AUTHORIZATION_FAILED')
    }
    const renewers = request.renewers.map(({ principalType, principalName }) => ({
      type: principalType,
      name: principalName,
    }))
    if (renewers.some((one) => one.type !== anonymous.type)) return refuse('INVALID_PRINCIPAL_TYPE')
    const { maxLifetimeMs } = request
    const asked = { owner, requester: principal, renewers, maxLifetimeMs, hmacOf: tokenHmac }
    return answerOf(await services.metadata.submit(createToken(asked)), owner, principal)
  },
  (_request, _context, code) => failed(code, anonymous, anonymous),
)
