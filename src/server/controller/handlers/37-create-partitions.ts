import { repeated } from '../../../base/repeated.ts'
import { createPartitions } from '../../../metadata/controller/change-topics.ts'
import { errorCode } from '../../../protocol/errors.ts'
import { createPartitions as api } from '../../../protocol/messages/37-create-partitions.ts'
import { mayAccess } from '../../access.ts'
import { checkDeadline } from '../../controller-deadline.ts'
import { permitsOf } from '../../quotas/mutation-permits.ts'
import { controllerHandler } from '../handler.ts'

/** The first version that is refused what exceeds the quota of mutations (KIP-599). */
const strictSince = 3

/** CreatePartitions: the number of partitions can only increase. */
export const handleCreatePartitions = controllerHandler(
  api,
  async (request, context, services) => {
    checkDeadline(request.timeoutMs)
    const refuse = (name: string, code: number, errorMessage: string | null = null) => ({
      name,
      errorCode: code,
      errorMessage,
    })
    const names = request.topics.map(({ name }) => name)
    const twice = repeated(names, (name) => name)
    const isTwice = (name: string) => twice.has(name)
    const may = (name: string) => mayAccess(services, context, 'ALTER', 'topic', name)
    const sound = request.topics.filter(({ name }) => !isTwice(name) && may(name))
    const mutations = services.quotas.mutationsOf(context, strictSince)
    const grown = await services.metadata.submit(
      createPartitions(sound, {
        validateOnly: request.validateOnly,
        takePermits: permitsOf(mutations),
      }),
    )
    const forbidden = new Set(names.filter((name) => !isTwice(name) && !may(name)))
    return {
      throttleTimeMs: mutations?.throttleMs() ?? 0,
      results: [
        ...[...twice].map((name) =>
          refuse(name, errorCode('INVALID_REQUEST'), 'Duplicate topic name.'),
        ),
        ...[...forbidden].map((name) => refuse(name, errorCode('TOPIC_AUTHORIZATION_FAILED'))),
        ...grown.map(({ name, error, errorMessage }) =>
          refuse(name, errorCode(error), errorMessage),
        ),
      ],
    }
  },
  (request, _context, code) => ({
    results: request.topics.map(({ name }) => ({ name, errorCode: code })),
  }),
)
