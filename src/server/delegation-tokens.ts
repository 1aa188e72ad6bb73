import { type ErrorName, errorCode } from '../protocol/errors.ts'
import { anonymous } from '../security/authorizer.ts'
import type { RequestContext } from './handler.ts'

/** Only an authenticated client may ask for delegation tokens (`KafkaApis.allowTokenRequests`). */
export function mayAskForTokens({ session: { principal } }: RequestContext): boolean {
  return principal.type !== anonymous.type || principal.name !== anonymous.name
}

/** The error of all requests about tokens, which are disabled: no secret key is configured. */
export function tokensRefused(context: RequestContext): number {
  const error: ErrorName = mayAskForTokens(context)
    ? 'DELEGATION_TOKEN_AUTH_DISABLED'
    : 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'
  return errorCode(error)
}

/** The refusal of RenewDelegationToken and ExpireDelegationToken. */
export function expiryRefused(context: RequestContext) {
  return {
    errorCode: tokensRefused(context),
    expiryTimestampMs: mayAskForTokens(context) ? 0 : -1,
  }
}
