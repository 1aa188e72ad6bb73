import type { Random } from '../base/random.ts'
import type { Batch } from '../protocol/records/batch.ts'
import { payloadOf } from '../protocol/records/record.ts'
import { RecordCursor } from '../protocol/records/record-cursor.ts'
import { cleanBatch } from './clean-batch.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { KeyOffsets } from './key-offsets.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'
import type { Throttle } from './throttle.ts'

export interface CleanerOptions {
  /** What the map of keys may take, in bytes (`log.cleaner.dedupe.buffer.size`). */
  readonly keyBytesMax: number
  readonly random: Random
  readonly nowMs: number
  /** Slows reading and writing down (`log.cleaner.io.max.bytes.per.second`). */
  readonly throttle?: Throttle
}

export interface Cleaned {
  /** Up to here every key has been looked at: where the next round starts to look. */
  readonly endOffset: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly keys: number
  /** What the map of keys took, in bytes. */
  readonly keyBytes: number
}

/** Thrown when the log is closed or cut while it is being cleaned; nothing of it has changed then. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/** Bytes of a cleaned segment that are written at a time. */
const writeBytes = 1024 * 1024

/**
 * Compacts one log (Kafka's `Cleaner`): of every key only the newest record stays, as far as the
 * segments below `upTo` go. Tombstones outlive what they delete by `delete.retention.ms`; data of
 * aborted transactions goes at once, markers when nothing of their transaction is left (KIP-534).
 * Batches that hold an active producer's last sequence stay, empty if need be.
 *
 * @param firstDirty where the last round ended.
 * @param upTo the first segment that stays as it is starts here; below it every transaction is decided.
 */
export async function cleanLog(
  log: Log,
  firstDirty: number,
  upTo: number,
  o: CleanerOptions,
): Promise<Cleaned> {
  const keys = new KeyOffsets(o.keyBytesMax, o.random)
  const all = log.segments.all.filter((segment) => segment.baseOffset < upTo)
  const { indexIntervalBytes } = log.config
  const aborted = await log.segments.abortedTransactions(0, upTo, indexIntervalBytes)
  const endOffset = await readKeys(
    log,
    all,
    firstDirty,
    upTo,
    new CleanedTransactions(aborted),
    keys,
    o.throttle,
  )
  const round = new Round(log, o, keys, endOffset, new CleanedTransactions(aborted))
  const due = all.filter((segment) => segment.baseOffset < endOffset)
  const groups = groupSegments(log, due)
  for (const group of groups) await round.clean(group, group === groups.at(-1))
  const { bytesRead, bytesWritten } = round
  return { endOffset, bytesRead, bytesWritten, keys: keys.size, keyBytes: keys.memoryBytes }
}

/** Notes the newest offset of every key from `firstDirty` on. @returns where there was no more room. */
async function readKeys(
  log: Log,
  segments: readonly Segment[],
  firstDirty: number,
  upTo: number,
  transactions: CleanedTransactions,
  keys: KeyOffsets,
  throttle: Throttle | undefined,
): Promise<number> {
  let end = firstDirty
  for (const segment of segments) {
    if ((log.segments.endOf(segment) ?? upTo) <= firstDirty) continue
    for await (const { batch } of segment.walk()) {
      await throttle?.spend(batch.sizeBytes)
      checkGoesOn(log)
      if (batch.lastOffset < firstDirty) continue
      if (batch.isControl) transactions.isEmptyMarker(batch)
      else if (!transactions.isAborted(batch)) {
        const full = await putKeys(batch, firstDirty, keys)
        // An offset in the middle of a batch would do, but a batch is cleaned as a whole.
        if (full) return Math.max(end, firstDirty)
      }
      end = batch.nextOffset
    }
  }
  return Math.max(end, log.segments.endOf(segments.at(-1)!) ?? end)
}

async function putKeys(batch: Batch, firstDirty: number, keys: KeyOffsets): Promise<boolean> {
  const { baseOffset, recordCount } = batch
  const cursor = new RecordCursor(await payloadOf(batch))
  for (let i = 0; i < recordCount; i++) {
    cursor.next()
    const offset = baseOffset + cursor.offsetDelta
    if (cursor.keyLength < 0 || offset < firstDirty) continue
    if (!keys.put(cursor.key()!, offset)) return true
  }
  return false
}

/** Runs of segments that, cleaned, may become one: by size, index size and range of offsets. */
function groupSegments(log: Log, segments: readonly Segment[]): Segment[][] {
  const { segmentBytes } = log.config
  const groups: Segment[][] = []
  let bytes = 0
  for (const segment of segments) {
    const group = groups.at(-1)
    const end = log.segments.endOf(segment) ?? segment.baseOffset
    const fits =
      group !== undefined &&
      bytes + segment.sizeBytes <= segmentBytes &&
      end - 1 - group[0]!.baseOffset <= 0x7fffffff
    if (fits) group.push(segment)
    else {
      groups.push([segment])
      bytes = 0
    }
    bytes += segment.sizeBytes
  }
  return groups
}

function checkGoesOn(log: Log): void {
  if (log.isOffline || log.isClosed) throw new CleaningAborted(`${log.name} is closed`)
}

/** One pass over a log: the state that goes from group to group. */
class Round {
  bytesRead = 0
  bytesWritten = 0
  private readonly log: Log
  private readonly o: CleanerOptions
  private readonly keys: KeyOffsets
  private readonly endOffset: number
  private readonly transactions: CleanedTransactions
  private readonly deleteHorizonMs: number

  constructor(
    log: Log,
    o: CleanerOptions,
    keys: KeyOffsets,
    endOffset: number,
    transactions: CleanedTransactions,
  ) {
    this.log = log
    this.o = o
    this.keys = keys
    this.endOffset = endOffset
    this.transactions = transactions
    this.deleteHorizonMs = o.nowMs + log.config.deleteRetentionMs
  }

  /** Writes what is left of the segments into one new segment, and puts that in their place. */
  async clean(group: readonly Segment[], isLast: boolean): Promise<void> {
    const { log } = this
    const { indexIntervalBytes } = log.config
    const cleaned = log.files.newCleanedSegment(group)
    const lastEnd = log.segments.endOf(group.at(-1)!)
    let chunks: Buffer[] = []
    let pending = 0
    const write = async () => {
      if (pending === 0) return
      await cleaned.log.write(chunks, cleaned.writtenBytes)
      cleaned.writtenBytes += pending
      await this.o.throttle?.spend(pending)
      chunks = []
      pending = 0
    }
    await cleaned.remove() // Of a round that was broken off.
    await cleaned.createFiles()
    for (const segment of group) {
      for await (const { batch } of segment.walk()) {
        await this.o.throttle?.spend(batch.sizeBytes)
        checkGoesOn(log)
        this.bytesRead += batch.sizeBytes
        const left = await this.cleanBatch(batch, isLast && batch.nextOffset === lastEnd)
        if (left === null) continue
        cleaned.noteNext(left, indexIntervalBytes)
        chunks.push(left)
        pending += left.length
        this.bytesWritten += left.length
        if (pending >= writeBytes) await write()
      }
      await write()
    }
    for (const transaction of this.transactions.kept.splice(0)) cleaned.noteAborted(transaction)
    if (!(await log.files.replace(group, cleaned))) {
      throw new CleaningAborted(`the segments of ${log.name} have changed`)
    }
  }

  private async cleanBatch(batch: Batch, isLastOfRound: boolean): Promise<Buffer | null> {
    const { isControl } = batch
    const isEmptyMarker = isControl && this.transactions.isEmptyMarker(batch)
    const isAborted = !isControl && this.transactions.isAborted(batch)
    const isPastHorizon = batch.hasDeleteHorizon && batch.baseTimestamp <= this.o.nowMs
    const isDiscarded = isAborted || (isEmptyMarker && isPastHorizon)
    return cleanBatch(batch, {
      keepsEmpty: isLastOfRound || this.holdsLastSequence(batch),
      isEmptyMarker,
      deleteHorizonMs: this.deleteHorizonMs,
      keeps: (cursor, offset) => {
        if (isDiscarded) return false
        if (isControl || offset >= this.endOffset) return true
        if (cursor.keyLength < 0) return false
        if (offset < this.keys.get(cursor.key()!)) return false
        return cursor.valueLength >= 0 || !isPastHorizon
      },
    })
  }

  /** What a producer that is still known wrote last is needed to tell its retries. */
  private holdsLastSequence(batch: Batch): boolean {
    if (!batch.hasProducerId) return false
    const last = this.log.producers.lastOf(batch.producerId)
    if (last === null) return false
    if (last.dataOffset >= 0) return batch.lastOffset === last.dataOffset
    return batch.isControl && batch.producerEpoch === last.epoch
  }
}
