import { describeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts'
import { tokensRefused } from '../delegation-tokens.ts'
import { handler } from '../handler.ts'

const failed = (code: number) => ({ errorCode: code, tokens: [] })

/** DescribeDelegationToken: tokens are disabled, as in Kafka without a secret key (KIP-48). */
export const handleDescribeDelegationToken = handler(
  describeDelegationToken,
  (_request, context) => failed(tokensRefused(context)),
  (_request, _context, code) => failed(code),
)
