import { type ErrorName, errorCode, Refusal } from '../../protocol/errors.ts'
import {
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  listOffsets,
} from '../../protocol/messages/02-list-offsets.ts'
import type { Partition } from '../../replication/partition.ts'
import { mayAccess } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import { partitionOf } from '../partition-lookup.ts'
import type { Services } from '../services.ts'

type Asked = ListOffsetsRequest['topics'][number]['partitions'][number]
type Answer = ListOffsetsResponse['topics'][number]['partitions'][number]

/** Timestamps that stand for a place, and the first version that knows each. */
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

/** ListOffsets: places in a partition, by name or by time. */
export const handleListOffsets = handler(
  listOffsets,
  async (request, context, services) => {
    const twice = duplicates(request)
    const topics = request.topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await Promise.all(
        partitions.map((asked) =>
          twice.has(`${name}/${asked.partitionIndex}`)
            ? failed(asked, 'INVALID_REQUEST')
            : answerFor(name, asked, request, context, services),
        ),
      ),
    }))
    return { topics: await Promise.all(topics) }
  },
  (request, _context, code) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
    })),
  }),
)

/** Partitions that are asked for more than once, as `topic/index`. */
function duplicates({ topics }: ListOffsetsRequest): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}/${partitionIndex}`
      if (seen.has(key)) twice.add(key)
      seen.add(key)
    }
  }
  return twice
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
      throw new Refusal('UNSUPPORTED_VERSION')
    }
    const partition = partitionOf(topic, asked.partitionIndex, services)
    partition.checkLeader(asked.currentLeaderEpoch)
    return await find(partition, asked, request)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return failed(asked, error.reason)
  }
}

const fromReplica = (replicaId: number) => replicaId >= 0

async function find(
  partition: Partition,
  { partitionIndex, timestamp }: Asked,
  { replicaId, isolationLevel }: ListOffsetsRequest,
): Promise<Answer> {
  const { log } = partition
  const answer = { partitionIndex, errorCode: 0 }
  // Clients look no further than they may read; replicas look to the end.
  const end = fromReplica(replicaId) ? log.logEndOffset : partition.endFor(isolationLevel)
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
      // There is no tiered storage: nothing has been moved, nothing waits to be.
      return answer
  }
  const found = await (timestamp === maxTimestamp
    ? log.offsetOfMaxTimestamp()
    : log.offsetForTimestamp(timestamp)
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
