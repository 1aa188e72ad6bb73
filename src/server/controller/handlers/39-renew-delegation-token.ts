import { renewToken } from '../../../metadata/controller/delegation-tokens.ts'
import { renewDelegationToken } from '../../../protocol/messages/39-renew-delegation-token.ts'
import { ownsHmac } from '../../../security/delegation-tokens.ts'
import { changeAnswer, changeNotAllowed, mayAskForTokens } from '../../delegation-tokens.ts'
import { controllerHandler } from '../handler.ts'

/** RenewDelegationToken: by the owner of a token, or one of its renewers (KIP-48). */
export const handleRenewDelegationToken = controllerHandler(
  renewDelegationToken,
  async ({ hmac, renewPeriodMs }, context, { metadata }) => {
    if (!mayAskForTokens(context)) return changeNotAllowed
    const { principal } = context.session
    const command = renewToken({ principal, renewPeriodMs, isOf: ownsHmac(hmac) })
    return changeAnswer(await metadata.submit(command))
  },
  (_request, _context, code) => ({ errorCode: code, expiryTimestampMs: -1 }),
)
