import { mapWaiting } from '../../base/turns.ts'
import type { FetchedTopic } from '../../coordinator/group/commands.ts'
import { refusalCode } from '../../coordinator/group/coordinator.ts'
import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import { type OffsetFetchRequest, offsetFetch } from '../../protocol/messages/09-offset-fetch.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { mayAccess } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type AskedGroup = OffsetFetchRequest['groups'][number]
type AskedTopic = NonNullable<AskedGroup['topics']>[number]
interface Answer {
  readonly groupId: string
  readonly errorCode: number
  readonly topics: readonly FetchedTopic[]
}

/** OffsetFetch: one group before v8, several from v8 on, topics by id from v10 on. */
export const handleOffsetFetch = handler(
  offsetFetch,
  async (request, context, services) => {
    const { apiVersion } = context
    const answers = await mapWaiting(
      services.turns,
      groupsOf(request, apiVersion),
      async (asked): Promise<Answer> => {
        const { groupId } = asked
        if (!mayAccess(services, context, 'DESCRIBE', 'group', groupId)) {
          return { groupId, errorCode: errorCode('GROUP_AUTHORIZATION_FAILED'), topics: [] }
        }
        try {
          const topics = await fetch(asked, request.requireStable, context, services)
          return { groupId, errorCode: 0, topics }
        } catch (error) {
          return { groupId, errorCode: refusalCode(error), topics: [] }
        }
      },
    )
    return respond(request, apiVersion, answers)
  },
  (request, { apiVersion }, errorCode) => {
    const groups = groupsOf(request, apiVersion)
    const failed = groups.map(({ groupId }) => ({ groupId, errorCode, topics: [] }))
    return respond(request, apiVersion, failed)
  },
)

function groupsOf(request: OffsetFetchRequest, apiVersion: number): readonly AskedGroup[] {
  if (apiVersion >= 8) return request.groups
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: zeroUuid })) ?? null
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }]
}

async function fetch(
  { groupId, memberId, memberEpoch, topics }: AskedGroup,
  requireStable: boolean,
  context: RequestContext,
  services: Services,
): Promise<FetchedTopic[]> {
  const { groups } = services
  const usesIds = context.apiVersion >= 10
  const maySee = (name: string) => mayAccess(services, context, 'DESCRIBE', 'topic', name)
  const request = { groupId, memberId, memberEpoch, requireStable }
  if (topics === null) {
    const all = await groups.fetchOffsets({ ...request, topics: null })
    return all
      .filter(({ name }) => maySee(name))
      .map((topic) => ({ ...topic, topicId: groups.topics.byName(topic.name)?.id ?? zeroUuid }))
      .filter(({ topicId }) => !usesIds || topicId !== zeroUuid)
  }
  const named = topics.map((topic) => ({
    ...topic,
    name: usesIds ? (groups.topics.byId(topic.topicId)?.name ?? '') : topic.name,
  }))
  const refused = named.flatMap((topic) => {
    if (usesIds && topic.name === '') return [refuse(topic, 'UNKNOWN_TOPIC_ID')]
    return maySee(topic.name) ? [] : [refuse(topic, 'TOPIC_AUTHORIZATION_FAILED')]
  })
  const seen = named.filter(({ name }) => !(usesIds && name === '') && maySee(name))
  return [...(await groups.fetchOffsets({ ...request, topics: seen })), ...refused]
}

function refuse({ name, topicId, partitionIndexes }: AskedTopic, error: ErrorName): FetchedTopic {
  const partitions = partitionIndexes.map((partitionIndex) => ({
    partitionIndex,
    committedOffset: -1,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode: errorCode(error),
  }))
  return { name, topicId, partitions }
}

function respond(request: OffsetFetchRequest, apiVersion: number, answers: readonly Answer[]) {
  if (apiVersion >= 8) return { groups: answers, topics: [] }
  const { errorCode, topics } = answers[0]!
  if (apiVersion >= 2 || errorCode === 0) return { topics, errorCode, groups: [] }
  // v1 has no top-level error: each partition carries it.
  const failed = (request.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: -1,
      metadata: '',
      errorCode,
    })),
  }))
  return { topics: failed, groups: [] }
}
