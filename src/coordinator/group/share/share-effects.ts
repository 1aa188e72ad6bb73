import type { Logger } from '../../../base/logger.ts'
import { ApiError, defaultMessage } from '../../../protocol/errors.ts'
import type { TopicView } from '../../topic-view.ts'
import type {
  BeginShareState,
  DeleteShareOffsets,
  DeleteShareState,
  GroupCommand,
} from '../commands.ts'
import type { ShareStateKeeper, ShareStateResult } from '../share-state-keeper.ts'
import { topicNameIn } from './state-partitions.ts'

interface Rooms {
  readonly shareState: ShareStateKeeper
  readonly topics: TopicView
  readonly logger: Logger
}

/** The shard that wants the work done. */
interface Shard {
  tell(command: GroupCommand): void
}

/** Asks the share coordinators for what a shard has decided, and tells it what came of it. */
export async function performShareEffect(
  effect: BeginShareState | DeleteShareState | DeleteShareOffsets,
  shard: Shard,
  rooms: Rooms,
): Promise<void> {
  switch (effect.kind) {
    case 'beginShareState':
      return begin(effect, shard, rooms)
    case 'deleteShareState':
      return deleteOfGroup(effect, shard, rooms)
    case 'deleteShareOffsets':
      return deleteOfTopics(effect, shard, rooms)
  }
}

const refusalOf = ({ answer }: ShareStateResult) => (answer instanceof ApiError ? answer : null)

function firstRefusal(results: readonly ShareStateResult[]): ApiError | null {
  return results.map(refusalOf).find((refusal) => refusal !== null) ?? null
}

async function begin(effect: BeginShareState, shard: Shard, rooms: Rooms): Promise<void> {
  const { groupId, stateEpoch, asked } = effect
  const results = await rooms.shareState.begin(groupId, stateEpoch, effect.topics)
  const refusal = firstRefusal(results)
  const topics = new Map(
    effect.topics.map(({ topicId, partitions }) => [
      topicId,
      new Set(partitions.map(({ partition }) => partition)),
    ]),
  )
  if (refusal === null) shard.tell({ kind: 'shareStateBegun', groupId, topics })
  else if (asked === undefined) {
    const about = { group: groupId, error: refusal.message }
    rooms.logger.warn('the share state of a group could not be begun', about)
    shard.tell({ kind: 'shareStateRefused', groupId, topics })
  }
  asked?.to(withRefusals(asked.response, results))
}

/** Returns the response with the errors of partitions whose share state could not be begun. */
function withRefusals(
  response: NonNullable<BeginShareState['asked']>['response'],
  results: readonly ShareStateResult[],
) {
  const keyOf = (topicId: string, partition: number) => `${topicId}-${partition}`
  const byKey = new Map(results.map((one) => [keyOf(one.topicId, one.partition), refusalOf(one)]))
  return {
    ...response,
    responses: response.responses.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((row) => {
        const refusal = byKey.get(keyOf(topic.topicId, row.partitionIndex)) ?? null
        if (row.errorCode !== 0 || refusal === null) return row
        return { ...row, errorCode: refusal.code, errorMessage: refusal.detail }
      }),
    })),
  }
}

async function deleteOfGroup(
  { groupId, topics, to }: DeleteShareState,
  shard: Shard,
  { shareState }: Rooms,
): Promise<void> {
  const refusal = firstRefusal(await shareState.delete(groupId, topics))
  shard.tell({ kind: 'shareStateDeleted', groupId, refusal, to })
}

async function deleteOfTopics(
  { groupId, topics, refused: before, to }: DeleteShareOffsets,
  shard: Shard,
  { shareState, topics: view }: Rooms,
): Promise<void> {
  const results = await shareState.delete(groupId, topics)
  const refusals = new Map<string, ApiError>()
  for (const result of results) {
    const refusal = refusalOf(result)
    if (refusal !== null && !refusals.has(result.topicId)) refusals.set(result.topicId, refusal)
  }
  const refused = [...refusals].map(([topicId, { code: errorCode, reason }]) => ({
    ...{ topicId, topicName: topicNameIn(view)(topicId), errorCode },
    errorMessage: defaultMessage(reason),
  }))
  const gone = topics.map(({ topicId }) => topicId).filter((topicId) => !refusals.has(topicId))
  const command = { kind: 'shareOffsetsDeleted', groupId, topicIds: gone, to } as const
  shard.tell({ ...command, refused: [...before, ...refused] })
}
