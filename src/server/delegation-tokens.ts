import type { ChangedToken } from '../metadata/controller/delegation-tokens.ts'
import {
  isSamePrincipal,
  principalText,
  type TokenPrincipal,
} from '../metadata/delegation-tokens.ts'
import { ApiError, type ErrorName, errorCode } from '../protocol/errors.ts'
import type { CreateDelegationTokenRequest } from '../protocol/messages/38-create-delegation-token.ts'
import { type Authorizer, anonymous } from '../security/authorizer.ts'
import { mayAccess } from './access.ts'
import type { RequestContext } from './handler.ts'

/**
 * Only a client that has authenticated, and not by a token, may ask for delegation tokens
 * (`KafkaApis.allowTokenRequests`).
 */
export function mayAskForTokens({ session: { login, principal } }: RequestContext): boolean {
  return login === null ? !isSamePrincipal(principal, anonymous) : !login.isByToken
}

const nothing = Buffer.alloc(0)

/**
 * Returns the response of CreateDelegationToken without a token.
 * @param timeMs the three times, which are -1 in refusals before the metadata are looked at.
 */
export function noToken(
  code: number,
  owner: TokenPrincipal,
  requester: TokenPrincipal,
  timeMs = -1,
) {
  return {
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
  }
}

/**
 * Returns the principal that a token is asked for.
 * @throws ApiError UNKNOWN_SERVER_ERROR for an owner without a type.
 */
export function ownerOf(
  { ownerPrincipalType: type, ownerPrincipalName: name }: CreateDelegationTokenRequest,
  { apiVersion, session }: RequestContext,
): TokenPrincipal {
  if (apiVersion < 3 || name === null || name === '') return session.principal
  if (type === null) throw new ApiError('UNKNOWN_SERVER_ERROR', 'An owner of no type.')
  return { type, name }
}

/**
 * Returns the refusal of CreateDelegationToken to a client that may not create this token, or null.
 * Brokers check this before they forward the request, and controllers again (KIP-373).
 */
export function refusedToken(
  request: CreateDelegationTokenRequest,
  context: RequestContext,
  services: { readonly authorizer: Authorizer },
) {
  const { principal } = context.session
  const owner = ownerOf(request, context)
  const refuse = (error: ErrorName) => noToken(errorCode(error), owner, principal)
  if (!mayAskForTokens(context)) return refuse('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')
  const isOwn = isSamePrincipal(owner, principal)
  if (!isOwn && !mayAccess(services, context, 'CREATE_TOKENS', 'user', principalText(owner))) {
    return refuse('DELEGATION_TOKEN_AUTHORIZATION_FAILED')
  }
  const isUser = (type: string) => type === anonymous.type
  const areUsers = request.renewers.every(({ principalType }) => isUser(principalType))
  return areUsers ? null : refuse('INVALID_PRINCIPAL_TYPE')
}

/** The refusal of RenewDelegationToken and ExpireDelegationToken to such clients. */
export const changeNotAllowed = {
  errorCode: errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'),
  expiryTimestampMs: -1,
}

/** The response of RenewDelegationToken and ExpireDelegationToken. */
export function changeAnswer({ error, expiryTimestampMs }: ChangedToken) {
  return { errorCode: errorCode(error), expiryTimestampMs }
}
