import { distinctInTurns } from '../../base/repeated.ts'
import { mapInTurns } from '../../base/turns.ts'
import type { Image } from '../../metadata/image.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { describeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import { authorize, clusterResource } from '../access.ts'
import { handler } from '../handler.ts'

/** DescribeUserScramCredentials: returns mechanisms and iterations, never the keys (KIP-554). */
export const handleDescribeUserScramCredentials = handler(
  describeUserScramCredentials,
  async (request, context, services) => {
    authorize(services, context, 'DESCRIBE', 'cluster', clusterResource)
    const { image } = services.metadata
    const asked = request.users?.map(({ name }) => name) ?? []
    const { distinct, twice } = await distinctInTurns(services.turns, asked, (name) => name)
    const infos = credentialsOf(image)
    const names = asked.length > 0 ? distinct : allUsers(image)
    const results = await mapInTurns(services.turns, names, (user) => {
      const credentialInfos = infos.get(user) ?? []
      if (twice.has(user)) {
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
    return { errorCode: 0, errorMessage: '', results }
  },
  (request, _context, code) => ({
    errorCode: code,
    errorMessage: null,
    // Kafka names none of the users.
    results: (request.users ?? []).map(() => ({
      ...{ user: '', errorCode: code, errorMessage: null, credentialInfos: [] },
    })),
  }),
)

function failed(user: string, error: ErrorName, errorMessage: string) {
  return { user, errorCode: errorCode(error), errorMessage, credentialInfos: [] }
}

function allUsers({ scram }: Image): string[] {
  return [...new Set([...scram.values()].map(({ user }) => user))]
}

/** Returns the credentials by user. */
function credentialsOf({ scram }: Image) {
  const infos = new Map<string, { mechanism: number; iterations: number }[]>()
  for (const { user, mechanism, iterations } of scram.values()) {
    const known = infos.get(user)
    if (known === undefined) infos.set(user, [{ mechanism, iterations }])
    else known.push({ mechanism, iterations })
  }
  return infos
}
