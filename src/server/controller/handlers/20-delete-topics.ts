import { distinctInTurns } from '../../../base/repeated.ts'
import { mapInTurns } from '../../../base/turns.ts'
import { deleteTopics, findTopic } from '../../../metadata/controller/change-topics.ts'
import { ApiError, defaultMessage, type ErrorName, errorCode } from '../../../protocol/errors.ts'
import {
  deleteTopics as api,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from '../../../protocol/messages/20-delete-topics.ts'
import { zeroUuid } from '../../../protocol/schema.ts'
import { clusterResource, mayAccess } from '../../access.ts'
import { checkDeadline } from '../../controller-deadline.ts'
import type { RequestContext } from '../../handler.ts'
import { permitsOf } from '../../quotas/mutation-permits.ts'
import { controllerHandler } from '../handler.ts'
import type { ControllerServices } from '../services.ts'

type Answer = DeleteTopicsResponse['responses'][number]

/** The first version that is refused what exceeds the quota of mutations (KIP-599). */
const strictSince = 5

/** A topic to delete: by name (null if only the id is known) or by id. */
interface Target {
  readonly name: string | null
  readonly topicId: string
}

/** DeleteTopics: by name, from v6 on also by id. */
export const handleDeleteTopics = controllerHandler(
  api,
  async (request, context, services) => {
    const version = context.apiVersion
    if (!services.settings.bool('delete.topic.enable')) {
      // Clients before v3 do not know TOPIC_DELETION_DISABLED.
      throw new ApiError(version < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED')
    }
    checkDeadline(request.timeoutMs)
    const targets = targetsOf(request, version)
    // A repeated topic is refused once.
    const { distinct, twice } = await distinctInTurns(services.turns, targets, keyOf)
    const mayAll = mayAccess(services, context, 'DELETE', 'cluster', clusterResource, false)
    const checked = await mapInTurns(services.turns, distinct, (target) =>
      check(target, { twice, mayAll }, context, services),
    )
    const answers = withoutTwins(checked, distinct, twice)
    const ids = answers.flatMap(({ topicId, errorCode }) => (errorCode === 0 ? [topicId!] : []))
    const mutations = services.quotas.mutationsOf(context, strictSince)
    const refusals = await services.metadata.submit(deleteTopics(ids, permitsOf(mutations)))
    const refused = (answer: Answer): Answer => {
      const refusal = refusals.get(answer.topicId!)
      if (refusal === undefined) return answer
      return { ...answer, errorCode: refusal.code, errorMessage: refusal.detail }
    }
    return {
      throttleTimeMs: mutations?.throttleMs() ?? 0,
      responses: refusals.size === 0 ? answers : answers.map(refused),
    }
  },
  (request, context, code) => ({
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

/** Returns a key that repeated topics share; no name differs from an empty one. */
function keyOf({ topicId, name }: Target): string {
  return name === null ? topicId : `${topicId}/${name}`
}

/**
 * Refuses topics that are given by name and also by id: they get one answer, and stay.
 * @param answers those of `targets`, in this order
 */
function withoutTwins(
  answers: readonly Answer[],
  targets: readonly Target[],
  twice: ReadonlySet<string>,
): readonly Answer[] {
  const isNamed = (i: number) => targets[i]!.name !== null
  const named = new Set<string>()
  const byId = new Set(twice)
  answers.forEach(({ topicId, errorCode: code }, i) => {
    if (code === 0) (isNamed(i) ? named : byId).add(topicId!)
  })
  return answers.flatMap((answer, i) => {
    const { topicId, errorCode: code } = answer
    if (code !== 0 || !named.has(topicId!) || !byId.has(topicId!)) return [answer]
    if (!isNamed(i)) return []
    const errorMessage = 'The provided topic name maps to an ID that was already supplied.'
    return [{ ...answer, errorCode: errorCode('INVALID_REQUEST'), errorMessage }]
  })
}

function check(
  target: Target,
  { twice, mayAll }: { readonly twice: ReadonlySet<string>; readonly mayAll: boolean },
  context: RequestContext,
  services: ControllerServices,
): Answer {
  const { name, topicId } = target
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
  if (twice.has(keyOf(target))) {
    return answer(
      'INVALID_REQUEST',
      name === null ? 'Duplicate topic id.' : 'Duplicate topic name.',
    )
  }
  const topic = findTopic(services.metadata.image, { name, id: topicId })
  // Before a name is looked up: the answer must not tell whether the topic exists.
  const known = name ?? topic?.name
  if (known !== undefined && !mayAll && !mayAccess(services, context, 'DESCRIBE', 'topic', known)) {
    return answer('TOPIC_AUTHORIZATION_FAILED')
  }
  if (topic === undefined) {
    return answer(name === null ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }
  if (!mayAll && !mayAccess(services, context, 'DELETE', 'topic', topic.name)) {
    return { ...answer('TOPIC_AUTHORIZATION_FAILED'), name: topic.name }
  }
  return { name: topic.name, topicId: topic.id, errorCode: 0 }
}
