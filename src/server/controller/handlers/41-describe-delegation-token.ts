import { ApiError } from '../../../protocol/errors.ts'
import { handleDescribeDelegationToken } from '../../handlers/41-describe-delegation-token.ts'
import { controllerHandler } from '../handler.ts'

/**
 * DescribeDelegationToken: Kafka's controller names it in ApiVersions, but does not carry it out
 * (`ControllerApis.handle`).
 */
export const handleControllerTokens = controllerHandler(
  handleDescribeDelegationToken.api,
  () => {
    throw new ApiError('UNKNOWN_SERVER_ERROR')
  },
  handleDescribeDelegationToken.refuse,
)
