import { topicById } from '../../metadata/image.ts'
import { type ErrorName, errorCode, Refusal } from '../../protocol/errors.ts'
import type { FetchRequest, FetchResponse } from '../../protocol/messages/01-fetch.ts'
import type { Pieces } from '../../protocol/schema.ts'
import { isolationLevels, type Partition } from '../../replication/partition.ts'
import { mayAccess } from '../access.ts'
import type { RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'
import type { Wanted } from './session.ts'

export type PartitionAnswer = FetchResponse['responses'][number]['partitions'][number]

export interface ReadPartition {
  readonly wanted: Wanted
  readonly answer: PartitionAnswer
  readonly bytes: number
  /** null where there is none to wait for. */
  readonly partition: Partition | null
}

/** Where each wanted partition is; found once, so that a long poll can wait on them. */
export interface Located {
  readonly wanted: Wanted
  readonly partition: Partition | null
  readonly error: ErrorName
}

export function locate(
  wanted: Wanted,
  version: number,
  context: RequestContext,
  services: Services,
): Located {
  const { image } = services.metadata
  const isById = version >= 13
  const topic = isById ? topicById(image, wanted.topicId) : image.topics.get(wanted.topic)
  const not = (error: ErrorName): Located => ({ wanted, partition: null, error })
  const unknown = isById ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'
  if (topic === undefined) {
    // Whether a topic exists is told only to those who may see it.
    const mayKnow = isById || mayAccess(services, context, 'READ', 'topic', wanted.topic)
    return not(mayKnow ? unknown : 'TOPIC_AUTHORIZATION_FAILED')
  }
  if (!mayAccess(services, context, 'READ', 'topic', topic.name)) {
    return not('TOPIC_AUTHORIZATION_FAILED')
  }
  const partition = services.partitions.get(topic.name, wanted.asked.partition)
  if (partition !== undefined) return { wanted, partition, error: 'NONE' }
  const exists = topic.partitions[wanted.asked.partition] !== undefined
  return not(exists ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION')
}

export interface ReadAll {
  readonly parts: readonly ReadPartition[]
  readonly bytes: number
  /** An error, or a client that has diverged, is answered at once. */
  readonly isUrgent: boolean
}

/** Reads the partitions in order, within `max_bytes` of the request and of each partition. */
export async function readAll(
  located: readonly Located[],
  request: FetchRequest,
  services: Services,
): Promise<ReadAll> {
  const parts: ReadPartition[] = []
  let bytes = 0
  let isUrgent = false
  const bytesMax = Math.min(request.maxBytes, services.settings.int('fetch.max.bytes'))
  for (const one of located) {
    const read = readOne(one, request, { bytesLeft: bytesMax - bytes, isFirst: bytes === 0 })
    const part = read instanceof Promise ? await read : read
    bytes += part.bytes
    if (part.answer.errorCode !== 0 || part.answer.divergingEpoch !== undefined) isUrgent = true
    parts.push(part)
  }
  return { parts, bytes, isUrgent }
}

function readOne(
  { wanted, partition, error }: Located,
  request: FetchRequest,
  o: { readonly bytesLeft: number; readonly isFirst: boolean },
): ReadPartition | Promise<ReadPartition> {
  const { asked } = wanted
  if (partition === null) return failed(wanted, null, error)
  try {
    partition.checkLeader(asked.currentLeaderEpoch)
    if (request.replicaId >= 0 || request.replicaState.replicaId >= 0) {
      // Nobody follows yet: a replica that asks is not in the assignment.
      throw new Refusal('NOT_LEADER_OR_FOLLOWER')
    }
    const diverging = divergingEpoch(partition, asked.fetchOffset, asked.lastFetchedEpoch)
    if (diverging !== null) {
      return { ...found(wanted, partition, request, [], 0, [], diverging), partition }
    }
    const read = partition.read(asked.fetchOffset, {
      maxBytes: Math.max(0, Math.min(asked.partitionMaxBytes, o.bytesLeft)),
      minOneBatch: o.isFirst,
      isolation: request.isolationLevel,
      mayBeLater: true,
    })
    return finish(wanted, partition, request, read)
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return failed(wanted, partition, refusal.reason)
  }
}

function finish(
  wanted: Wanted,
  partition: Partition,
  request: FetchRequest,
  read: ReturnType<Partition['read']>,
): ReadPartition | Promise<ReadPartition> {
  const isCommitted = request.isolationLevel === isolationLevels.readCommitted
  if (!(read instanceof Promise)) {
    if (!isCommitted || read.bytes === 0) {
      return found(wanted, partition, request, read.chunks, read.bytes, [], null)
    }
  }
  return (async () => {
    try {
      const { chunks, later, bytes, nextOffset } = await read
      const aborted =
        isCommitted && bytes > 0
          ? await partition.log.abortedTransactions(wanted.asked.fetchOffset, nextOffset)
          : []
      return found(wanted, partition, request, later ?? chunks, bytes, aborted, null)
    } catch (error) {
      return failed(wanted, partition, partition.log.readFailures.refusalOf(error).reason)
    }
  })()
}

/** KIP-595: a reader whose last batch is of an epoch that ended earlier here must go back. */
function divergingEpoch(partition: Partition, fetchOffset: number, lastFetchedEpoch: number) {
  if (lastFetchedEpoch < 0) return null
  const { leaderEpoch, endOffset } = partition.log.epochEndOffset(lastFetchedEpoch)
  if (endOffset < 0) throw new Refusal('OFFSET_OUT_OF_RANGE')
  if (leaderEpoch === lastFetchedEpoch && endOffset >= fetchOffset) return null
  return { epoch: leaderEpoch, endOffset }
}

function found(
  wanted: Wanted,
  partition: Partition,
  request: FetchRequest,
  records: Pieces,
  bytes: number,
  aborted: readonly { producerId: number; firstOffset: number }[],
  diverging: { epoch: number; endOffset: number } | null,
): ReadPartition {
  return {
    wanted,
    partition,
    bytes,
    answer: {
      partitionIndex: wanted.asked.partition,
      errorCode: 0,
      highWatermark: partition.highWatermark,
      lastStableOffset: partition.lastStableOffset,
      logStartOffset: partition.logStartOffset,
      ...(diverging === null ? {} : { divergingEpoch: diverging }),
      // Those who read uncommitted records must not be told what was aborted.
      abortedTransactions:
        request.isolationLevel === isolationLevels.readCommitted ? aborted : null,
      records,
    },
  }
}

function failed(wanted: Wanted, partition: Partition | null, error: ErrorName): ReadPartition {
  return {
    wanted,
    partition,
    bytes: 0,
    answer: {
      partitionIndex: wanted.asked.partition,
      errorCode: errorCode(error),
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
      // Kafka's two ways to fail, before and in the read, differ in this.
      abortedTransactions: partition === null ? [] : null,
      records: [],
    },
  }
}
