import type { Image } from '../../metadata/image.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { describeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

/** DescribeUserScramCredentials: mechanisms and iterations, never the keys (KIP-554). */
export const handleDescribeUserScramCredentials = handler(
  describeUserScramCredentials,
  (request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    const { image } = services.metadata
    const asked = request.users?.map(({ name }) => name) ?? []
    const isTwice = (name: string) => asked.filter((other) => other === name).length > 1
    const names = asked.length > 0 ? [...new Set(asked)] : allUsers(image)
    const results = names.map((user) => {
      const credentialInfos = credentialsOf(image, user)
      if (isTwice(user)) {
        return failed(
          user,
          'DUPLICATE_RESOURCE',
          'Cannot describe SCRAM credentials for the same user twice in a single request: '.concat(
            user,
          ),
        )
      }
      if (credentialInfos.length === 0) {
        return failed(
          user,
          'RESOURCE_NOT_FOUND',
          `Attempt to describe a user credential that does not exist: ${user}`,
        )
      }
      return { user, errorCode: 0, errorMessage: '', credentialInfos }
    })
    return { throttleTimeMs: 0, errorCode: 0, errorMessage: '', results }
  },
  (_request, _context, code) => ({
    throttleTimeMs: 0,
    errorCode: code,
    errorMessage: null,
    results: [],
  }),
)

function failed(user: string, error: ErrorName, errorMessage: string) {
  return { user, errorCode: errorCode(error), errorMessage, credentialInfos: [] }
}

function allUsers({ scram }: Image): string[] {
  return [...new Set([...scram.values()].map(({ user }) => user))]
}

function credentialsOf({ scram }: Image, user: string) {
  return [...scram.values()]
    .filter((one) => one.user === user)
    .map(({ mechanism, iterations }) => ({ mechanism, iterations }))
}
