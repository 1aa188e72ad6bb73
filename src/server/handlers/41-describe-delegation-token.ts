import { mapInTurns } from '../../base/turns.ts'
import {
  isTokenOf,
  parsePrincipal,
  tokenSecretOf,
  tokensOf,
} from '../../metadata/delegation-tokens.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { describeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts'
import type { DelegationTokenRecord } from '../../protocol/stored/metadata/10-delegation-token-record.ts'
import { knownHmac } from '../../security/delegation-tokens.ts'
import { mayAccess } from '../access.ts'
import { mayAskForTokens } from '../delegation-tokens.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

const failed = (code: number) => ({ errorCode: code, tokens: [] })

/** DescribeDelegationToken: without owners, all tokens that the client may see (KIP-48, 373). */
export const handleDescribeDelegationToken = handler(
  describeDelegationToken,
  async ({ owners }, context, services) => {
    const refuse = (error: ErrorName) => failed(errorCode(error))
    if (!mayAskForTokens(context)) return refuse('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')
    const secretKey = tokenSecretOf(services.settings)
    if (secretKey === null) return refuse('DELEGATION_TOKEN_AUTH_DISABLED')
    const asked = owners?.map(({ principalType: type, principalName: name }) => ({ type, name }))
    const isAsked = asked === undefined ? () => true : tokensOf(asked)
    const all = [...services.metadata.image.delegationTokens.values()]
    const described = await mapInTurns(services.turns, all, (token) =>
      isAsked(token) && maySee(token, context, services) ? describe(token, secretKey) : null,
    )
    return { errorCode: 0, tokens: described.filter((one) => one !== null) }
  },
  (_request, _context, code) => failed(code),
)

function maySee(token: DelegationTokenRecord, context: RequestContext, services: Services) {
  return (
    isTokenOf(token, context.session.principal) ||
    mayAccess(services, context, 'DESCRIBE', 'delegationToken', token.tokenId) ||
    mayAccess(services, context, 'DESCRIBE_TOKENS', 'user', token.owner)
  )
}

function describe(token: DelegationTokenRecord, secretKey: string) {
  const owner = parsePrincipal(token.owner)
  const requester = parsePrincipal(token.requester)
  const renewers = token.renewers.map(parsePrincipal)
  return {
    principalType: owner.type,
    principalName: owner.name,
    tokenRequesterPrincipalType: requester.type,
    tokenRequesterPrincipalName: requester.name,
    issueTimestamp: token.issueTimestamp,
    expiryTimestamp: token.expirationTimestamp,
    maxTimestamp: token.maxTimestamp,
    tokenId: token.tokenId,
    hmac: knownHmac(secretKey, token),
    renewers: renewers.map(({ type, name }) => ({ principalType: type, principalName: name })),
  }
}
