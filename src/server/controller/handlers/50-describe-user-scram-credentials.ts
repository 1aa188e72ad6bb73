import { ApiError } from '../../../protocol/errors.ts'
import { handleDescribeUserScramCredentials } from '../../handlers/50-describe-user-scram-credentials.ts'
import { controllerHandler } from '../handler.ts'

/**
 * DescribeUserScramCredentials: Kafka's controller names it in ApiVersions, but does not carry it
 * out (`ControllerApis.handle`). A request for all users has no answer there, nor has anything
 * behind it on the connection: making the refusal fails.
 */
export const handleControllerScram = controllerHandler(
  handleDescribeUserScramCredentials.api,
  ({ users }, { session: { closed } }) => {
    if (users !== null) throw new ApiError('UNKNOWN_SERVER_ERROR')
    return new Promise((resolve) => {
      const end = () => resolve(null)
      if (closed.aborted) end()
      else closed.addEventListener('abort', end)
    })
  },
  handleDescribeUserScramCredentials.refuse,
)
