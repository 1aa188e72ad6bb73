import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import { createDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import { mayAccess } from '../access.ts'
import { mayAskForTokens } from '../delegation-tokens.ts'
import { handler, type RequestContext } from '../handler.ts'

const nothing = Buffer.alloc(0)

interface Owner {
  readonly type: string
  readonly name: string
}

const failed = (
  code: number,
  { session: { principal } }: RequestContext,
  owner: Owner = principal,
  timeMs = -1,
) => ({
  errorCode: code,
  principalType: owner.type,
  principalName: owner.name,
  tokenRequesterPrincipalType: principal.type,
  tokenRequesterPrincipalName: principal.name,
  issueTimestampMs: timeMs,
  expiryTimestampMs: timeMs,
  maxTimestampMs: timeMs,
  tokenId: '',
  hmac: nothing,
})

/** CreateDelegationToken: tokens are disabled, as in Kafka without a secret key (KIP-48). */
export const handleCreateDelegationToken = handler(
  createDelegationToken,
  ({ ownerPrincipalType: type, ownerPrincipalName: name }, context, services) => {
    const { principal } = context.session
    const isNamed = context.apiVersion >= 3 && name !== null && name !== ''
    if (isNamed && type === null) throw new ApiError('UNKNOWN_SERVER_ERROR', 'An owner of no type.')
    const owner = isNamed ? { type: type!, name } : principal
    const refuse = (error: ErrorName) => failed(errorCode(error), context, owner)
    if (!mayAskForTokens(context)) return refuse('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')
    const isOwn = owner.type === principal.type && owner.name === principal.name
    const user = `${owner.type}:${owner.name}`
    if (!isOwn && !mayAccess(services, context, 'CREATE_TOKENS', 'user', user)) {
      return refuse('DELEGATION_TOKEN_AUTHORIZATION_FAILED')
    }
    return failed(errorCode('DELEGATION_TOKEN_AUTH_DISABLED'), context, owner, 0)
  },
  (_request, context, code) => failed(code, context),
)
