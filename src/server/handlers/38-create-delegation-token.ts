import { errorCode } from '../../protocol/errors.ts'
import { createDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import { handler, type RequestContext } from '../handler.ts'

const nothing = Buffer.alloc(0)

const failed = (code: number, { principal }: RequestContext) => ({
  errorCode: code,
  principalType: principal.type,
  principalName: principal.name,
  tokenRequesterPrincipalType: principal.type,
  tokenRequesterPrincipalName: principal.name,
  issueTimestampMs: -1,
  expiryTimestampMs: -1,
  maxTimestampMs: -1,
  tokenId: '',
  hmac: nothing,
  throttleTimeMs: 0,
})

/** CreateDelegationToken: not for who came by PLAINTEXT, who could be anybody (KIP-48). */
export const handleCreateDelegationToken = handler(
  createDelegationToken,
  (_request, context) => failed(errorCode('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED'), context),
  (_request, context, code) => failed(code, context),
)
