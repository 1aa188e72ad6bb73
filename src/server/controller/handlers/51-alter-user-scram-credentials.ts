import { alterScram } from '../../../metadata/controller/alter-scram.ts'
import { errorCode } from '../../../protocol/errors.ts'
import { alterUserScramCredentials } from '../../../protocol/messages/51-alter-user-scram-credentials.ts'
import { scramKeys } from '../../../security/scram.ts'
import { authorize, clusterResource, refusalText } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** AlterUserScramCredentials: stores keys derived from the salted password (KIP-554). */
export const handleAlterUserScramCredentials = controllerHandler(
  alterUserScramCredentials,
  async (request, context, services) => {
    authorize(services, context, 'ALTER', 'cluster', clusterResource)
    const upsertions = request.upsertions.map(
      ({ name, mechanism, iterations, salt, saltedPassword }) => ({
        name,
        mechanism,
        iterations,
        salt,
        ...scramKeys(mechanism, saltedPassword),
        hasPassword: saltedPassword.length > 0,
      }),
    )
    const altered = await services.metadata.submit(alterScram(request.deletions, upsertions))
    return {
      results: altered.map(({ user, error, errorMessage }) => ({
        user,
        errorCode: errorCode(error),
        errorMessage,
      })),
    }
  },
  (request, _context, code) => {
    const users = [...request.deletions, ...request.upsertions].map(({ name }) => name)
    return {
      results: [...new Set(users)].map((user) => ({
        user,
        errorCode: code,
        errorMessage: refusalText(code),
      })),
    }
  },
)
