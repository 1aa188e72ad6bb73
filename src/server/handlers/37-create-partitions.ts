import { createPartitions } from '../../metadata/controller/change-topics.ts'
import { errorCode } from '../../protocol/errors.ts'
import { createPartitions as api } from '../../protocol/messages/37-create-partitions.ts'
import { mayAccess } from '../access.ts'
import { handler } from '../handler.ts'

/** CreatePartitions: the number of partitions only ever grows. */
export const handleCreatePartitions = handler(
  api,
  async (request, context, services) => {
    const refuse = (name: string, code: number, errorMessage: string | null = null) => ({
      name,
      errorCode: code,
      errorMessage,
    })
    const names = request.topics.map(({ name }) => name)
    const isTwice = (name: string) => names.filter((other) => other === name).length > 1
    const may = (name: string) => mayAccess(services, context, 'ALTER', 'topic', name)
    const sound = request.topics.filter(({ name }) => !isTwice(name) && may(name))
    const grown = await services.metadata.submit(
      createPartitions(sound, { validateOnly: request.validateOnly }),
    )
    const twice = new Set(names.filter(isTwice))
    const forbidden = new Set(names.filter((name) => !isTwice(name) && !may(name)))
    return {
      throttleTimeMs: 0,
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
    throttleTimeMs: 0,
    results: request.topics.map(({ name }) => ({ name, errorCode: code })),
  }),
)
