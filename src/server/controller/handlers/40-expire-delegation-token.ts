import { expireToken } from '../../../metadata/controller/delegation-tokens.ts'
import { expireDelegationToken } from '../../../protocol/messages/40-expire-delegation-token.ts'
import { ownsHmac } from '../../../security/delegation-tokens.ts'
import { changeAnswer, changeNotAllowed, mayAskForTokens } from '../../delegation-tokens.ts'
import { controllerHandler } from '../handler.ts'

/** ExpireDelegationToken: by the owner of a token, or one of its renewers (KIP-48). */
export const handleExpireDelegationToken = controllerHandler(
  expireDelegationToken,
  async ({ hmac, expiryTimePeriodMs }, context, { metadata }) => {
    if (!mayAskForTokens(context)) return changeNotAllowed
    const { principal } = context.session
    const command = expireToken({ principal, expiryTimePeriodMs, isOf: ownsHmac(hmac) })
    return changeAnswer(await metadata.submit(command))
  },
  (_request, _context, code) => ({ errorCode: code, expiryTimestampMs: -1 }),
)
