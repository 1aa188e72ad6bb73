import { mapWaiting } from '../../base/turns.ts'
import type {
  ShareStateResult,
  ShareStateSummary,
} from '../../coordinator/group/share-state-keeper.ts'
import { ApiError, defaultMessage, type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type DescribeShareGroupOffsetsRequest,
  type DescribeShareGroupOffsetsResponse,
  describeShareGroupOffsets,
} from '../../protocol/messages/90-describe-share-group-offsets.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import { authorize, mayAccess } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'
import { checkShareGroupsEnabled } from '../share-groups-enabled.ts'

type Asked = DescribeShareGroupOffsetsRequest['groups'][number]
type Described = DescribeShareGroupOffsetsResponse['groups'][number]
type Topic = Described['topics'][number]
type Row = Topic['partitions'][number]
/** A topic, known or not, and the partitions that are asked for. */
interface Place {
  readonly topicName: string
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** DescribeShareGroupOffsets: where the share partitions of groups begin, and their lag. */
export const handleDescribeShareGroupOffsets = handler(
  describeShareGroupOffsets,
  async ({ groups }, context, services) => ({
    groups: await mapWaiting(services.turns, groups, async (group) => {
      try {
        checkShareGroupsEnabled(services)
        authorize(services, context, 'DESCRIBE', 'group', group.groupId)
        return { ...described(group), topics: await topicsOf(group, context, services) }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { ...described(group), errorCode: error.code, errorMessage: error.detail }
      }
    }),
  }),
  ({ groups }, _context, code) => ({
    groups: groups.map((group) => ({ ...described(group), errorCode: code })),
  }),
)

function described({ groupId }: Asked): Described {
  return { groupId, topics: [], errorCode: errorCode('NONE'), errorMessage: null }
}

async function topicsOf(
  { groupId, topics }: Asked,
  context: RequestContext,
  services: Services,
): Promise<Topic[]> {
  const isAllowed = ({ topicName }: { readonly topicName: string }) =>
    mayAccess(services, context, 'DESCRIBE', 'topic', topicName)
  const { image } = services.metadata
  if (topics === null) {
    const begun = await services.groups.share.statePartitions(groupId)
    const places = begun.flatMap(({ topicId, partitions }) => {
      const topicName = services.groups.topics.byId(topicId)?.name
      return topicName === undefined ? [] : [{ topicName, topicId, partitions }]
    })
    return (await summaries(groupId, places, services)).filter(isAllowed)
  }
  const places = topics.map((topic) => ({
    ...topic,
    topicId: image.topics.get(topic.topicName)?.id ?? zeroUuid,
  }))
  const allowed = places.filter(isAllowed)
  const known = allowed.filter(({ topicId }) => topicId !== zeroUuid)
  const unknown = allowed.filter(({ topicId }) => topicId === zeroUuid)
  const denied = places.filter((place) => !allowed.includes(place))
  return [
    ...(await summaries(groupId, known, services)),
    ...unknown.map((place) => ({ ...place, partitions: place.partitions.map(nothing) })),
    ...denied.map((place) => ({
      ...place,
      topicId: zeroUuid,
      partitions: place.partitions.map((index) => failed(index, 'TOPIC_AUTHORIZATION_FAILED')),
    })),
  ]
}

async function summaries(
  groupId: string,
  places: readonly Place[],
  services: Services,
): Promise<Topic[]> {
  if (places.length === 0) return []
  // Kafka's persister fails on them, before it asks for the others.
  const isOdd = ({ partitions }: Place) =>
    partitions.length === 0 || partitions.some((index) => index < 0)
  if (groupId === '' || places.some(isOdd)) {
    const reason = 'UNKNOWN_SERVER_ERROR'
    throw new ApiError(reason, defaultMessage(reason))
  }
  const distinct = distinctPlaces(places)
  const results = await services.shareState.summarise(groupId, distinct)
  const rows = await mapWaiting(services.turns, results, async (result) => ({
    topicId: result.topicId,
    row: await rowOf(result, services),
  }))
  return distinct.map(({ topicName, topicId }) => ({
    ...{ topicName, topicId },
    partitions: rows.filter((one) => one.topicId === topicId).map(({ row }) => row),
  }))
}

/** Returns each topic once, with each of its partitions once. */
function distinctPlaces(places: readonly Place[]): Place[] {
  const all = new Map<string, Place>()
  for (const place of places) {
    const known = all.get(place.topicId)?.partitions ?? []
    all.set(place.topicId, {
      ...place,
      partitions: [...new Set([...known, ...place.partitions])],
    })
  }
  return [...all.values()]
}

async function rowOf(
  { topicId, partition, answer }: ShareStateResult<ShareStateSummary>,
  services: Services,
): Promise<Row> {
  if (answer instanceof ApiError) return nothing(partition)
  const { startOffset, leaderEpoch, deliveryCompleteCount = -1 } = answer
  const row = { ...nothing(partition), startOffset, leaderEpoch }
  if (startOffset === -1 || deliveryCompleteCount === -1) return row
  const topic = services.groups.topics.byId(topicId)?.name ?? ''
  try {
    const end = await services.latestOffsets.of(topic, partition)
    return { ...row, lag: end - startOffset - deliveryCompleteCount }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { ...failed(partition, error.reason), startOffset: 0 }
  }
}

/** A partition of which nothing is known. */
function nothing(partitionIndex: number): Row {
  const none = { startOffset: -1, leaderEpoch: 0, lag: -1 }
  return { partitionIndex, ...none, errorCode: errorCode('NONE'), errorMessage: null }
}

function failed(partitionIndex: number, reason: ErrorName): Row {
  const error = { errorCode: errorCode(reason), errorMessage: defaultMessage(reason) }
  return { ...nothing(partitionIndex), ...error }
}
