import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import type { Pieces } from '../../protocol/schema.ts'
import { isolationLevels, type Partition } from '../../replication/partition.ts'
import { clusterResource, mayAccess } from '../access.ts'
import type { RequestContext } from '../handler.ts'
import type { Services } from '../services.ts'
import type { HeldRecords, PartitionAnswer } from './held-records.ts'
import type { Wanted } from './session.ts'

export interface ReadPartition {
  readonly wanted: Wanted
  readonly answer: PartitionAnswer
  readonly bytes: number
  /** Bytes that count towards `min_bytes`, including readable records beyond limits or batches. */
  readonly availableBytes: number
  /** Answer at once: an error, a diverging epoch, or data that waiting does not increase. */
  readonly isUrgent: boolean
}

/** A partition that is in the metadata, with its topic name. */
export interface Readable {
  readonly wanted: Wanted
  readonly topic: string
}

/** Partitions checked or read between two checks of the turn's time. */
const partitionsBetween = 64

export interface Sorted {
  readonly readable: readonly Readable[]
  /**
   * Partitions that cannot be read: placed last in the response. They do not end the wait of the
   * others; a fetch of nothing else is answered at once.
   */
  readonly failed: readonly ReadPartition[]
}

/**
 * Splits the partitions of a fetch into readable ones and failed ones, before any read. A follower
 * needs the right of the cluster instead of those of topics (CVE-2018-1288).
 */
export async function sort(
  wanted: readonly Wanted[],
  isFollower: boolean,
  context: RequestContext,
  services: Services,
): Promise<Sorted> {
  const { image } = services.metadata
  const readable: Readable[] = []
  const nameless: ReadPartition[] = []
  const failed: ReadPartition[] = []
  const { turns } = services
  const mayRead = isFollower
    ? always(mayAccess(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource))
    : (topic: string) => mayAccess(services, context, 'READ', 'topic', topic)
  for (const [i, one] of wanted.entries()) {
    if (i % partitionsBetween === partitionsBetween - 1 && turns.isOver()) await turns.next()
    const { topic, asked } = one
    if (topic === null) nameless.push(failure(one, 'UNKNOWN_TOPIC_ID', []))
    // Whether a topic exists is disclosed only to principals that may read it.
    else if (!mayRead(topic)) {
      failed.push(failure(one, 'TOPIC_AUTHORIZATION_FAILED', []))
    } else if (image.topics.get(topic)?.partitions[asked.partition] === undefined) {
      failed.push(failure(one, 'UNKNOWN_TOPIC_OR_PARTITION', []))
    } else readable.push({ wanted: one, topic })
  }
  return { readable, failed: [...nameless, ...failed] }
}

const always = (isAllowed: boolean) => () => isAllowed

/** Limits that apply to all partitions of a fetch. */
export interface FetchLimits {
  readonly minBytes: number
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly isolationLevel: number
  readonly isFollower: boolean
  readonly isById: boolean
  readonly held: HeldRecords
}

export interface ReadAll {
  readonly parts: readonly ReadPartition[]
  readonly availableBytes: number
  readonly isUrgent: boolean
}

/** Reads the partitions in order, within `max_bytes` of the request and of each partition. */
export async function readAll(
  all: readonly Readable[],
  limits: FetchLimits,
  services: Services,
): Promise<ReadAll> {
  const parts: ReadPartition[] = []
  let [availableBytes, bytesLeft, isFirst, isUrgent] = [0, limits.maxBytes, true, false]
  const { turns } = services
  for (const [i, one] of all.entries()) {
    if (i % partitionsBetween === partitionsBetween - 1 && turns.isOver()) await turns.next()
    const read = readOne(one, limits, { bytesLeft, isFirst }, services)
    const part = read instanceof Promise ? await read : read
    bytesLeft = Math.max(0, bytesLeft - part.bytes)
    availableBytes += part.availableBytes
    if (part.bytes > 0) isFirst = false
    if (part.isUrgent) isUrgent = true
    parts.push(part)
  }
  return { parts, availableBytes, isUrgent }
}

function readOne(
  { wanted, topic }: Readable,
  limits: FetchLimits,
  options: { readonly bytesLeft: number; readonly isFirst: boolean },
  services: Services,
): ReadPartition | Promise<ReadPartition> {
  const { asked } = wanted
  try {
    const partition = services.partitions.need(topic, asked.partition, services.metadata.image)
    if (limits.isById && partition.topicId !== wanted.topicId) {
      throw new ApiError('INCONSISTENT_TOPIC_ID')
    }
    partition.checkLeader(Math.max(-1, asked.currentLeaderEpoch))
    // No replica follows yet: one that asks is not in the assignment.
    if (limits.isFollower) throw new ApiError('NOT_LEADER_OR_FOLLOWER')
    const diverging = divergingEpoch(partition, asked.fetchOffset, asked.lastFetchedEpoch)
    if (diverging !== null) return found(wanted, partition, limits, nothing, [], diverging)
    const maxBytes = Math.min(asked.partitionMaxBytes, options.bytesLeft)
    const { isolationLevel: isolation } = limits
    const read = partition.read(asked.fetchOffset, {
      maxBytes: Math.max(0, maxBytes),
      minOneBatch: options.isFirst,
      isolation,
      mayBeLater: true,
    })
    // Kafka fails here only when it reads a file, that is, if there are records to read.
    if (maxBytes < 0 && asked.fetchOffset < partition.endFor(isolation)) {
      throw new ApiError('UNKNOWN_SERVER_ERROR', `A fetch of ${maxBytes} bytes.`)
    }
    return finish(wanted, partition, limits, read)
  } catch (refusal) {
    if (!(refusal instanceof ApiError)) throw refusal
    return failure(wanted, refusal.reason, null)
  }
}

const nothing = { records: [] as Pieces, bytes: 0, nextOffset: -1 }

function finish(
  wanted: Wanted,
  partition: Partition,
  limits: FetchLimits,
  read: ReturnType<Partition['read']>,
): ReadPartition | Promise<ReadPartition> {
  const isCommitted = limits.isolationLevel === isolationLevels.readCommitted
  const end = partition.endFor(limits.isolationLevel)
  if (wanted.asked.fetchOffset > end) return finishBeyond(wanted, partition, limits, end)
  if (!(read instanceof Promise) && (!isCommitted || read.bytes === 0)) {
    const { chunks: records, bytes, nextOffset } = read
    return found(wanted, partition, limits, { records, bytes, nextOffset }, [], null)
  }
  return (async () => {
    try {
      const { chunks, later, bytes, nextOffset } = await read
      if (later !== undefined) limits.held.add(later)
      const aborted =
        isCommitted && bytes > 0
          ? await partition.log.abortedTransactions(wanted.asked.fetchOffset, nextOffset)
          : []
      const records = later ?? chunks
      return found(wanted, partition, limits, { records, bytes, nextOffset }, aborted, null)
    } catch (error) {
      return failure(wanted, partition.log.readFailures.refusalOf(error).reason, null)
    }
  })()
}

/**
 * Answers a `read_committed` fetch beyond the last stable offset: waiting brings it no records, but
 * Kafka notices that only beyond the batch that starts at that offset.
 */
async function finishBeyond(
  wanted: Wanted,
  partition: Partition,
  limits: FetchLimits,
  end: number,
): Promise<ReadPartition> {
  const one = { maxBytes: 1, minOneBatch: true, upTo: partition.highWatermark }
  const part = found(wanted, partition, limits, nothing, [], null)
  try {
    const { nextOffset } = await partition.log.read(end, one)
    return { ...part, isUrgent: wanted.asked.fetchOffset >= nextOffset }
  } catch (error) {
    return failure(wanted, partition.log.readFailures.refusalOf(error).reason, null)
  }
}

/** Returns the point to truncate to if the reader's last epoch ended earlier here (KIP-595). */
function divergingEpoch(partition: Partition, fetchOffset: number, lastFetchedEpoch: number) {
  if (lastFetchedEpoch < 0) return null
  const { leaderEpoch, endOffset } = partition.log.epochEndOffset(lastFetchedEpoch)
  if (endOffset < 0) throw new ApiError('OFFSET_OUT_OF_RANGE')
  if (leaderEpoch === lastFetchedEpoch && endOffset >= fetchOffset) return null
  return { epoch: leaderEpoch, endOffset }
}

function found(
  wanted: Wanted,
  partition: Partition,
  { isolationLevel }: FetchLimits,
  read: { readonly records: Pieces; readonly bytes: number; readonly nextOffset: number },
  aborted: readonly { producerId: number; firstOffset: number }[],
  diverging: { epoch: number; endOffset: number } | null,
): ReadPartition {
  const { partition: partitionIndex, fetchOffset, partitionMaxBytes } = wanted.asked
  const end = partition.endFor(isolationLevel)
  const isLeftOut = read.bytes > 0 && read.nextOffset < end
  return {
    wanted,
    bytes: read.bytes,
    availableBytes: isLeftOut ? Math.max(read.bytes, partitionMaxBytes) : read.bytes,
    isUrgent:
      diverging !== null ||
      (fetchOffset < end && partition.log.segments.isRolledBetween(fetchOffset, end)),
    answer: {
      partitionIndex,
      errorCode: 0,
      highWatermark: partition.highWatermark,
      lastStableOffset: partition.lastStableOffset,
      logStartOffset: partition.logStartOffset,
      ...(diverging === null ? {} : { divergingEpoch: diverging }),
      // Readers of uncommitted records are not sent aborted transactions.
      abortedTransactions: isolationLevel === isolationLevels.readCommitted ? aborted : null,
      records: read.records,
    },
  }
}

/**
 * @param abortedTransactions [] for failures before the read, null for those in it, as in Kafka.
 */
function failure(wanted: Wanted, error: ErrorName, abortedTransactions: [] | null): ReadPartition {
  return {
    wanted,
    bytes: 0,
    availableBytes: 0,
    isUrgent: true,
    answer: {
      partitionIndex: wanted.asked.partition,
      errorCode: errorCode(error),
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
      abortedTransactions,
      records: [],
    },
  }
}
