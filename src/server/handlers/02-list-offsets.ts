import { mapWaiting, runInTurns, type Turns } from '../../base/turns.ts'
import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  listOffsets,
} from '../../protocol/messages/02-list-offsets.ts'
import { isolationLevels, type Partition } from '../../replication/partition.ts'
import { offsetForTimestamp, offsetOfMaxTimestamp } from '../../storage/timestamps.ts'
import { mayAccess } from '../access.ts'
import { askedPartitions, byTopic, distinctPartitions } from '../asked-partitions.ts'
import { handler, type RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number]
type Answer = ListOffsetsResponse['topics'][number]['partitions'][number]

/** Special timestamps, and the first version that supports each. */
const latest = -1
const earliest = -2
const maxTimestamp = -3
const earliestLocal = -4
const latestTiered = -5
const earliestPendingUpload = -6
const sinceVersion: Readonly<Record<number, number>> = {
  [maxTimestamp]: 7,
  [earliestLocal]: 8,
  [latestTiered]: 9,
  [earliestPendingUpload]: 11,
}

function sinceVersionOf(special: number): number {
  if (special === latest || special === earliest) return 0
  return sinceVersion[special] ?? Number.POSITIVE_INFINITY
}

/** ListOffsets: finds offsets in a partition, by special timestamp or by time. */
export const handleListOffsets = handler(
  listOffsets,
  async (request, context, services) => {
    checkIsolation(request)
    const { turns } = services
    const all = askedPartitions(request.topics)
    const distinct = distinctPartitions(all, ({ partitionIndex }) => partitionIndex)
    const answered = await mapWaiting(
      turns,
      await runInTurns(turns, distinct),
      async ({ topic, asked, isRepeated }) => ({
        topic,
        answer: isRepeated
          ? failed(asked, 'INVALID_REQUEST')
          : await answerFor(topic, asked, request, context, services),
      }),
    )
    return { topics: byTopic(answered) }
  },
  (request, _context, code) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
    })),
  }),
)

/** As in Kafka, the isolation level is checked only for consumers. */
function checkIsolation({ replicaId, isolationLevel }: ListOffsetsRequest): void {
  const isKnown = Object.values<number>(isolationLevels).includes(isolationLevel)
  if (replicaId !== consumer || isKnown) return
  throw new ApiError('UNKNOWN_SERVER_ERROR', `Unknown isolation level ${isolationLevel}`)
}

function failed({ partitionIndex }: Asked, error: ErrorName): Answer {
  return { partitionIndex, errorCode: errorCode(error) }
}

async function answerFor(
  topic: string,
  asked: Asked,
  request: ListOffsetsRequest,
  context: RequestContext,
  services: Services,
): Promise<Answer> {
  if (!mayAccess(services, context, 'DESCRIBE', 'topic', topic)) {
    return failed(asked, 'TOPIC_AUTHORIZATION_FAILED')
  }
  try {
    if (asked.timestamp < 0 && context.apiVersion < sinceVersionOf(asked.timestamp)) {
      throw new ApiError('UNSUPPORTED_VERSION')
    }
    const partition = services.partitions.need(topic, asked.partitionIndex, services.metadata.image)
    partition.checkLeader(asked.currentLeaderEpoch)
    return await find(partition, asked, request, services.turns)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return failed(asked, error.reason)
  }
}

/** The replica id of consumers. */
const consumer = -1

async function find(
  partition: Partition,
  { partitionIndex, timestamp }: Asked,
  { replicaId, isolationLevel }: ListOffsetsRequest,
  turns: Turns,
): Promise<Answer> {
  const { log } = partition
  const answer = { partitionIndex, errorCode: 0 }
  // Consumers see offsets up to their isolation level's end; replicas and debuggers see all.
  const end = replicaId === consumer ? partition.endFor(isolationLevel) : log.logEndOffset
  switch (timestamp) {
    case latest:
      return { ...answer, offset: end, leaderEpoch: partition.leaderEpoch }
    case earliest:
    case earliestLocal:
      return {
        ...answer,
        offset: log.logStartOffset,
        leaderEpoch: log.epochs.epochOf(log.logStartOffset),
      }
    case latestTiered:
    case earliestPendingUpload:
      // Without tiered storage no segment was uploaded, and none is pending.
      return answer
  }
  const found = await (timestamp === maxTimestamp
    ? offsetOfMaxTimestamp(log, turns)
    : offsetForTimestamp(log, timestamp, turns)
  ).catch((error: unknown) => {
    throw log.readFailures.refusalOf(error)
  })
  if (found === null || (found.offset >= end && timestamp !== maxTimestamp)) return answer
  return {
    ...answer,
    timestamp: found.timestampMs,
    offset: found.offset,
    leaderEpoch: found.leaderEpoch,
  }
}
