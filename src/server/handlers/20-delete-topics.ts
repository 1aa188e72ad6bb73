import { deleteTopics, findTopic } from '../../metadata/controller/change-topics.ts'
import { defaultMessage, type ErrorName, errorCode, Refusal } from '../../protocol/errors.ts'
import {
  deleteTopics as api,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from '../../protocol/messages/20-delete-topics.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { mayAccess } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type Answer = DeleteTopicsResponse['responses'][number]

/** One topic that is to go: by name (null when only the id is known) or by id. */
interface Target {
  readonly name: string | null
  readonly topicId: string
}

/** DeleteTopics: by name, from v6 on also by id. */
export const handleDeleteTopics = handler(
  api,
  async (request, context, services) => {
    const version = context.apiVersion
    if (!services.settings.bool('delete.topic.enable')) {
      // Clients before v3 do not know the code that says so.
      throw new Refusal(version < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED')
    }
    const targets = targetsOf(request, version)
    const answers = distinct(targets).map((target) => check(target, targets, context, services))
    const ids = answers.flatMap(({ topicId, errorCode }) => (errorCode === 0 ? [topicId!] : []))
    await services.metadata.submit(deleteTopics(ids))
    return { throttleTimeMs: 0, responses: answers }
  },
  (request, context, code) => ({
    throttleTimeMs: 0,
    responses: targetsOf(request, context.apiVersion).map(({ name, topicId }) => ({
      name,
      topicId,
      errorCode: code,
    })),
  }),
)

function targetsOf(request: DeleteTopicsRequest, version: number): readonly Target[] {
  if (version >= 6) return request.topics
  return request.topicNames.map((name) => ({ name, topicId: zeroUuid }))
}

/** What is named twice is refused once. */
function distinct(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((one) => [`${one.topicId}/${one.name ?? ''}`, one])).values()]
}

function check(
  { name, topicId }: Target,
  all: readonly Target[],
  context: RequestContext,
  services: Services,
): Answer {
  const answer = (error: ErrorName, errorMessage = defaultMessage(error)): Answer => ({
    name,
    topicId,
    errorCode: errorCode(error),
    errorMessage,
  })
  const isById = topicId !== zeroUuid
  if (name !== null && isById) {
    return answer('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
  }
  if (name === null && !isById) {
    return answer('INVALID_REQUEST', 'Neither topic name nor id were specified.')
  }
  const same = (other: Target) => other.name === name && other.topicId === topicId
  if (all.filter(same).length > 1) {
    return answer(
      'INVALID_REQUEST',
      name === null ? 'Duplicate topic id.' : 'Duplicate topic name.',
    )
  }
  const topic = findTopic(services.metadata.image, { name, id: topicId })
  if (topic === undefined) {
    return answer(name === null ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }
  if (!mayAccess(services, context, 'DESCRIBE', 'topic', topic.name)) {
    return answer(name === null ? 'UNKNOWN_TOPIC_ID' : 'TOPIC_AUTHORIZATION_FAILED')
  }
  if (!mayAccess(services, context, 'DELETE', 'topic', topic.name)) {
    return { ...answer('TOPIC_AUTHORIZATION_FAILED'), name: topic.name, topicId: topic.id }
  }
  return { name: topic.name, topicId: topic.id, errorCode: 0 }
}
