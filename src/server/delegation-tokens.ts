import type { ChangedToken } from '../metadata/controller/delegation-tokens.ts'
import { isSamePrincipal } from '../metadata/delegation-tokens.ts'
import { errorCode } from '../protocol/errors.ts'
import { anonymous } from '../security/authorizer.ts'
import type { RequestContext } from './handler.ts'

/**
 * Only a client that has authenticated, and not by a token, may ask for delegation tokens
 * (`KafkaApis.allowTokenRequests`).
 */
export function mayAskForTokens({ session: { login, principal } }: RequestContext): boolean {
  return login === null ? !isSamePrincipal(principal, anonymous) : !login.isByToken
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
