import type { Random } from '../base/random.ts'
import type { Turns } from '../base/turns.ts'
import type { Batch } from '../protocol/records/batch.ts'
import { eachRecord } from '../protocol/records/each-record.ts'
import type { RecordCursor } from '../protocol/records/record-cursor.ts'
import { RecordWalk } from '../protocol/records/record-walk.ts'
import { cleanBatch } from './clean-batch.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { KeyOffsets } from './key-offsets.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'
import type { Throttle } from './throttle.ts'

export interface CleanerOptions {
  /** Maximum memory of the key map in bytes (`log.cleaner.dedupe.buffer.size`). */
  readonly keyBytesMax: number
  readonly random: Random
  readonly turns: Turns
  readonly nowMs: number
  /**
   * Limits the bytes per second that are read and written (`log.cleaner.io.max.bytes.per.second`).
   */
  readonly throttle?: Throttle
}

export interface Cleaned {
  /** All keys below this offset have been examined; the next round starts here. */
  readonly endOffset: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly keys: number
  /** Memory of the key map in bytes. */
  readonly keyBytes: number
}

/** Thrown if the log is closed or truncated while it is cleaned; the log is left unchanged. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted'
}

/** Thrown if a segment is damaged; the segment and those behind it are left unchanged. */
export class CannotClean extends Error {
  override readonly name = 'CannotClean'
}

/** Bytes of a cleaned segment per write. */
const writeBytes = 1024 * 1024

/**
 * Compacts one log (Kafka's `Cleaner`): keeps only the newest record of each key in the segments
 * below `upTo`. Tombstones are kept for `delete.retention.ms`. Data of aborted transactions is
 * removed at once, markers when no data of their transaction is left (KIP-534). Batches with the
 * last sequence of an active producer are kept, without records if necessary.
 *
 * @param firstDirty where the last round ended.
 * @param upTo the base offset of the first segment not to clean; below it every transaction is
 * decided.
 */
export async function cleanLog(
  log: Log,
  firstDirty: number,
  upTo: number,
  options: CleanerOptions,
): Promise<Cleaned> {
  const keys = new KeyOffsets(options.keyBytesMax, options.random)
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
    options,
  )
  const round = new Round(log, options, keys, endOffset, new CleanedTransactions(aborted))
  const due = all.filter((segment) => segment.baseOffset < endOffset)
  const groups = groupSegments(log, due)
  for (const group of groups) await round.clean(group, group === groups.at(-1))
  const { bytesRead, bytesWritten } = round
  return { endOffset, bytesRead, bytesWritten, keys: keys.size, keyBytes: keys.memoryBytes }
}

/** Stores the newest offset of each key from `firstDirty` on. @returns where the map was full. */
async function readKeys(
  log: Log,
  segments: readonly Segment[],
  firstDirty: number,
  upTo: number,
  transactions: CleanedTransactions,
  keys: KeyOffsets,
  { throttle, turns }: CleanerOptions,
): Promise<number> {
  const recordBytesMax = log.config.maxDecompressedMessageBytes
  let end = firstDirty
  for (const segment of segments) {
    if ((log.segments.endOf(segment) ?? upTo) <= firstDirty) continue
    for await (const batch of intactBatches(segment)) {
      await throttle?.spend(batch.sizeBytes)
      checkGoesOn(log)
      if (batch.lastOffset < firstDirty) continue
      if (batch.isControl) transactions.isEmptyMarker(batch)
      else if (!transactions.isAborted(batch)) {
        const full = await putKeys(batch, firstDirty, keys, { recordBytesMax, turns })
        // An offset inside a batch would be possible, but batches are cleaned as a whole.
        if (full) return Math.max(end, firstDirty)
      }
      end = batch.nextOffset
    }
  }
  return Math.max(end, log.segments.endOf(segments.at(-1)!) ?? end)
}

async function putKeys(
  batch: Batch,
  firstDirty: number,
  keys: KeyOffsets,
  options: { readonly recordBytesMax: number; readonly turns: Turns },
): Promise<boolean> {
  const { baseOffset, recordCount } = batch
  const walk = new RecordWalk(batch.codec, batch.payload, { ...options, holds: true })
  let isFull = false
  const see = (cursor: RecordCursor) => {
    const offset = baseOffset + cursor.offsetDelta
    if (cursor.keyLength < 0 || offset < firstDirty) return true
    isFull = !keys.put(cursor.key()!, offset)
    return !isFull
  }
  await eachRecord(walk, recordCount, see, options.turns)
  return isFull
}

/**
 * Iterates over the batches of a segment; each must have a valid checksum and follow the one before
 * it. Stops with an error at damage: ending the segment there would delete the batches behind it
 * with the old file.
 *
 * @throws CannotClean
 */
async function* intactBatches(segment: Segment): AsyncGenerator<Batch, void, void> {
  const fail = (position: number) => {
    throw new CannotClean(`${segment.log.path} is damaged at position ${position}`)
  }
  let nextOffset = segment.baseOffset
  for await (const { batch, position } of segment.walk(0, segment.writtenBytes, fail)) {
    const follows = batch.baseOffset >= nextOffset
    if (batch.magic !== 2 || !follows || !batch.isIntact()) fail(position)
    nextOffset = batch.nextOffset
    yield batch
  }
}

/** Groups consecutive segments that fit into one segment, by size and offset range. */
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

/** One pass over a log, with the state shared by its groups of segments. */
class Round {
  bytesRead = 0
  bytesWritten = 0
  private readonly log: Log
  private readonly options: CleanerOptions
  private readonly keys: KeyOffsets
  private readonly endOffset: number
  private readonly transactions: CleanedTransactions
  private readonly deleteHorizonMs: number

  constructor(
    log: Log,
    options: CleanerOptions,
    keys: KeyOffsets,
    endOffset: number,
    transactions: CleanedTransactions,
  ) {
    this.log = log
    this.options = options
    this.keys = keys
    this.endOffset = endOffset
    this.transactions = transactions
    this.deleteHorizonMs = options.nowMs + log.config.deleteRetentionMs
  }

  /** Writes the remaining records of the segments to one new segment and replaces them with it. */
  async clean(group: readonly Segment[], isLast: boolean): Promise<void> {
    const { log } = this
    const cleaned = log.files.newCleanedSegment(group)
    await cleaned.remove() // Left behind by an interrupted round.
    try {
      await this.writeCleaned(group, cleaned, isLast)
    } catch (error) {
      await cleaned.remove().catch(() => {})
      throw error
    }
    if (!(await log.files.replace(group, cleaned))) {
      throw new CleaningAborted(`the segments of ${log.name} have changed`)
    }
  }

  private async writeCleaned(
    group: readonly Segment[],
    cleaned: Segment,
    isLast: boolean,
  ): Promise<void> {
    const { log } = this
    const { indexIntervalBytes } = log.config
    const lastEnd = log.segments.endOf(group.at(-1)!)
    let chunks: Buffer[] = []
    let pending = 0
    const write = async () => {
      if (pending === 0) return
      await cleaned.log.write(chunks, cleaned.writtenBytes)
      cleaned.writtenBytes += pending
      await this.options.throttle?.spend(pending)
      chunks = []
      pending = 0
    }
    await cleaned.createFiles()
    for (const segment of group) {
      for await (const batch of intactBatches(segment)) {
        await this.options.throttle?.spend(batch.sizeBytes)
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
  }

  private async cleanBatch(batch: Batch, isLastOfRound: boolean): Promise<Buffer | null> {
    const { isControl } = batch
    const isEmptyMarker = isControl && this.transactions.isEmptyMarker(batch)
    const isAborted = !isControl && this.transactions.isAborted(batch)
    const isPastHorizon = batch.hasDeleteHorizon && batch.baseTimestamp <= this.options.nowMs
    const isDiscarded = isAborted || (isEmptyMarker && isPastHorizon)
    return cleanBatch(batch, {
      keepsEmpty: isLastOfRound || this.holdsLastSequence(batch),
      isEmptyMarker,
      deleteHorizonMs: this.deleteHorizonMs,
      recordBytesMax: this.log.config.maxDecompressedMessageBytes,
      turns: this.options.turns,
      keeps: (cursor, offset) => {
        if (isDiscarded) return false
        if (isControl || offset >= this.endOffset) return true
        if (cursor.keyLength < 0) return false
        if (offset < this.keys.get(cursor.key()!)) return false
        return cursor.valueLength >= 0 || !isPastHorizon
      },
    })
  }

  /**
   * The last batch of an active producer is kept: its sequence number is needed to detect retries.
   */
  private holdsLastSequence(batch: Batch): boolean {
    if (!batch.hasProducerId) return false
    const last = this.log.producers.lastOf(batch.producerId)
    if (last === null) return false
    if (last.dataOffset >= 0) return batch.lastOffset === last.dataOffset
    return batch.isControl && batch.producerEpoch === last.epoch
  }
}
