import { int64Max, int64Text } from '../base/int64.ts'
import type { Turns } from '../base/turns.ts'
import { ApiError } from '../protocol/errors.ts'
import {
  Batch,
  batchHeaderBytes,
  batchOverheadBytes,
  batchPrefixBytes,
  batchSizeAt,
  codecs,
  noTimestamp,
} from '../protocol/records/batch.ts'
import { eachRecord } from '../protocol/records/each-record.ts'
import type { RecordCursor } from '../protocol/records/record-cursor.ts'
import { RecordWalk } from '../protocol/records/record-walk.ts'
import type { LogConfig } from './log-config.ts'
import { recode } from './recode.ts'

/** A batch that can be appended. Batches written by a coordinator do not need `validate`. */
export interface Validated {
  /** Exactly one batch, compressed as the topic requires. */
  readonly bytes: Buffer
  /** -1 unless the topic uses LogAppendTime; then also set in the batch. */
  readonly logAppendTimeMs: number
}

export interface ValidationRules {
  /** The partition's name for error messages, e.g. `topic-3`. */
  readonly partition: string
  readonly config: LogConfig
  readonly nowMs: number
  /** Lets the event loop run during batches with many or very long records. */
  readonly turns: Turns
}

/** @throws ApiError RECORD_LIST_TOO_LARGE if the batch is larger than `segment.bytes`. */
export function checkFits(bytes: number, { segmentBytes }: LogConfig, partition: string): void {
  if (bytes <= segmentBytes) return
  throw new ApiError(
    'RECORD_LIST_TOO_LARGE',
    `Message batch size is ${bytes} bytes in append to partition ${partition}, which exceeds the maximum configured segment size of ${segmentBytes}.`,
  )
}

const zstdSince = 7
const misnumbered = 'The records of a compressed batch are not numbered from 0 on'

/**
 * Checks the records of a produce request of this version (`ProduceRequest.validateRecords`).
 *
 * @throws ApiError INVALID_RECORD, UNSUPPORTED_COMPRESSION_TYPE or CORRUPT_MESSAGE
 */
export function checkProduceRecords(records: Buffer, version: number): void {
  const batch = wholeBatchAt(records, 0)
  const only = () => `Produce requests with version ${version}`
  if (batch === null) {
    throw new ApiError(
      'INVALID_RECORD',
      `${only()} must have at least one record batch per partition`,
    )
  }
  if (batch.magic !== 2) {
    throw new ApiError(
      'INVALID_RECORD',
      `${only()} are only allowed to contain record batches with magic version 2`,
    )
  }
  if (version < zstdSince && batch.codec === codecs.zstd) {
    throw new ApiError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `${only()} are not allowed to use ZStandard compression`,
    )
  }
  if (isBatchBehind(records, batch.end)) {
    throw new ApiError(
      'INVALID_RECORD',
      `${only()} are only allowed to contain exactly one record batch per partition`,
    )
  }
  // As in Kafka: only the append examines more of the header, and refuses without a message.
  checkLength(batch)
}

/**
 * Validates a client's batch as Kafka's `LogValidator` does and applies the topic's settings: log
 * append time, greatest timestamp, compression. Changes the batch in place unless it must be
 * recompressed. Returns a promise only if a codec or the event loop requires a wait. Stricter than
 * Kafka for compressed batches: each record must have its stated length. Kafka accepts such a
 * batch, but its consumers cannot read it.
 *
 * @throws ApiError CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP or
 * UNSUPPORTED_COMPRESSION_TYPE; as a rejection if detected later.
 */
export function validate(records: Buffer, rules: ValidationRules): Validated | Promise<Validated> {
  const batch = wholeBatchAt(records, 0)
  if (batch === null) throw new ApiError('INVALID_RECORD', 'Record batch has no batches at all')
  checkIntegrity(batch, rules)
  checkHeader(batch, rules.partition)
  const whole = batch.end === records.length ? batch : new Batch(batch.slice)
  const checks = new RecordChecks(whole, rules)
  const walked = walk(whole, checks, rules)
  return walked === undefined
    ? validated(whole, checks, rules)
    : walked.then(() => validated(whole, checks, rules))
}

/** Validating this many bytes of uncompressed records takes at most 0.1 ms. */
const shortBytesMax = 16 * 1024

function walk(batch: Batch, checks: RecordChecks, rules: ValidationRules): void | Promise<void> {
  const { turns } = rules
  const mayTakeLong = batch.codec !== codecs.none || batch.sizeBytes > shortBytesMax
  return mayTakeLong && turns.isOver()
    ? turns.next().then(() => walkNow(batch, checks, rules))
    : walkNow(batch, checks, rules)
}

function walkNow(batch: Batch, checks: RecordChecks, rules: ValidationRules): void | Promise<void> {
  const { config, turns } = rules
  const recordBytesMax = config.maxDecompressedMessageBytes
  const records = new RecordWalk(batch.codec, batch.payload, {
    recordBytesMax,
    holds: false,
    turns,
  })
  return eachRecord(records, batch.recordCount, checks.see, turns)
}

function validated(
  batch: Batch,
  checks: RecordChecks,
  rules: ValidationRules,
): Validated | Promise<Validated> {
  const isInOrder = checks.finish()
  const logAppendTimeMs = logAppendTime(rules)
  const target = targetCodec(rules.config, batch.codec)
  if (target === batch.codec) {
    // Kafka tries to rewrite such a batch but lacks the data for it, and returns this error.
    if (!isInOrder && target !== codecs.none)
      throw new ApiError('UNKNOWN_SERVER_ERROR', misnumbered)
    return { bytes: batch.slice, logAppendTimeMs }
  }
  // Kafka accepts negative timestamps in existing batches but cannot write them.
  if (checks.hasNegativeTime) throw new ApiError('UNKNOWN_SERVER_ERROR')
  return recode(batch, target, rules).then((bytes) => ({ bytes, logAppendTimeMs }))
}

/**
 * Returns the complete batch at `start`, or null if there is none.
 *
 * @throws ApiError if it is malformed.
 */
function wholeBatchAt(records: Buffer, start: number): Batch | null {
  if (start + batchOverheadBytes > records.length) return null
  const size = batchSizeAt(records, start)
  if (Number.isNaN(size)) {
    const length = records.readInt32BE(start + 8)
    throw new ApiError(
      'CORRUPT_MESSAGE',
      `Record size ${length} is less than the minimum record overhead (14)`,
    )
  }
  if (start + batchPrefixBytes > records.length) return null
  const batch = new Batch(records, start)
  if (batch.magic > 2) {
    const magic = (batch.magic << 24) >> 24
    throw new ApiError('CORRUPT_MESSAGE', `Invalid magic found in record: ${magic}`)
  }
  // With the prefix the size overflows to a negative number in Kafka, and its buffers fail.
  if (size > 0x7fffffff) throw new ApiError('UNKNOWN_SERVER_ERROR', `No batch has ${size} bytes`)
  return start + size > records.length ? null : batch
}

/**
 * Returns whether there is another complete batch at `start`, however short.
 *
 * @throws ApiError if it is malformed; without a message, as in Kafka.
 */
function isBatchBehind(records: Buffer, start: number): boolean {
  try {
    return wholeBatchAt(records, start) !== null
  } catch (error) {
    throw error instanceof ApiError ? new ApiError(error.reason) : error
  }
}

/**
 * @throws ApiError CORRUPT_MESSAGE if the size is below that of a header; no message, as in Kafka.
 */
function checkLength({ sizeBytes }: Batch): void {
  if (sizeBytes < batchHeaderBytes) throw new ApiError('CORRUPT_MESSAGE')
}

/** Checks of Kafka's `UnifiedLog.analyzeAndValidateRecords` for a client's batch. */
function checkIntegrity(batch: Batch, { partition, config }: ValidationRules): void {
  if (batch.magic !== 2) {
    throw new ApiError('INVALID_RECORD', 'Only record batches with magic version 2 are written')
  }
  checkLength(batch)
  if (batch.baseOffset !== 0) {
    throw new ApiError(
      'INVALID_RECORD',
      `The baseOffset of the record batch in the append to ${partition} should be 0, but it is ${batch.baseOffset}`,
    )
  }
  if (batch.sizeBytes > config.maxMessageBytes) {
    throw new ApiError(
      'MESSAGE_TOO_LARGE',
      `The record batch size in the append to ${partition} is ${batch.sizeBytes} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}.`,
    )
  }
  const computed = batch.computeCrc()
  if (computed !== batch.crc) {
    throw new ApiError(
      'CORRUPT_MESSAGE',
      `Record is corrupt (stored crc = ${batch.crc}, computed crc = ${computed}) in topic partition ${partition}.`,
    )
  }
}

/** Checks of Kafka's `LogValidator.validateBatch`. */
function checkHeader(batch: Batch, partition: string): void {
  const { baseOffset, lastOffset, recordCount } = batch
  const invalid = (what: string) =>
    new ApiError('INVALID_RECORD', `${what} in topic partition ${partition}`)
  const range = () => `[${baseOffset}, ${lastOffset}]`
  if (lastOffset < baseOffset) throw invalid(`Batch has an invalid offset range: ${range()}`)
  if (recordCount <= 0) throw invalid(`Invalid reported count for record batch: ${recordCount}`)
  if (lastOffset - baseOffset + 1 !== recordCount) {
    throw invalid(`Inconsistent batch offset range ${range()} and count of records ${recordCount}`)
  }
  if (batch.isControl) throw invalid('Clients are not allowed to write control records')
  if (batch.hasProducerId && batch.baseSequence < 0) {
    throw invalid(
      `Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId}`,
    )
  }
}

/** Returns the codec for `compression.type`: the producer's or the one that the topic requires. */
function targetCodec(config: LogConfig, source: number): number {
  switch (config.compressionType) {
    case 'producer':
      return source
    case 'uncompressed':
      return codecs.none
    default:
      return codecs[config.compressionType]
  }
}

function logAppendTime({ config, nowMs }: ValidationRules): number {
  return config.messageTimestampType === 'LogAppendTime' ? nowMs : -1
}

/** Why one record of a batch was rejected (KIP-467). */
export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** INVALID_RECORD or INVALID_TIMESTAMP, with the rejected records. */
export class InvalidRecords extends ApiError {
  readonly recordErrors: readonly RecordError[]

  constructor(
    reason: 'INVALID_RECORD' | 'INVALID_TIMESTAMP',
    detail: string,
    recordErrors: readonly RecordError[],
  ) {
    super(reason, detail)
    this.recordErrors = recordErrors
  }
}

interface Fault extends RecordError {
  readonly isTime: boolean
}

/**
 * Maximum number of record errors in a response: more than an uncompressed batch of the default
 * size can contain. A compressed batch can expand to any number of records.
 */
const faultsMax = 150_000

/** The checks of Kafka's `LogValidator.validateRecord` for each record of a client's batch. */
class RecordChecks {
  private readonly batch: Batch
  private readonly partition: string
  private readonly config: LogConfig
  private readonly nowMs: number
  private readonly isAppendTime: boolean
  private readonly needsKey: boolean
  private readonly oldest: number
  private readonly newest: number
  /** The timestamp that the batch header sets for all records; null if each record has its own. */
  private readonly said: number | null
  private readonly baseTimestamp: number
  /** The first rejected records; `faultCount` counts all of them. */
  private readonly faults: Fault[] = []
  private faultCount = 0
  private maxTimestamp = noTimestamp
  private isInOrder = true
  /** Whether a record has a timestamp before the epoch other than -1 (no timestamp). */
  hasNegativeTime = false

  constructor(
    batch: Batch,
    options: { readonly partition: string; readonly config: LogConfig; readonly nowMs: number },
  ) {
    const { config, nowMs } = options
    this.batch = batch
    this.partition = options.partition
    this.config = config
    this.nowMs = nowMs
    this.isAppendTime = config.messageTimestampType === 'LogAppendTime'
    this.needsKey = config.cleanupPolicy.includes('compact')
    this.oldest = nowMs - config.messageTimestampBeforeMaxMs
    this.newest = nowMs + config.messageTimestampAfterMaxMs
    this.said = batch.isLogAppendTime ? batch.maxTimestamp : null
    this.baseTimestamp = batch.baseTimestamp
  }

  /** Checks the next record of the batch. */
  readonly see = (cursor: RecordCursor, index: number): void => {
    const timestamp = this.said ?? this.baseTimestamp + cursor.timestampDelta
    if (this.needsKey && cursor.keyLength < 0) {
      const message = `Compacted topic cannot accept message without key in topic partition ${this.partition}`
      this.note({ batchIndex: index, message, isTime: false })
    } else if (!this.isAppendTime && timestamp !== noTimestamp) {
      if (timestamp < this.oldest || timestamp > this.newest)
        this.outOfRange(cursor, index, timestamp)
    } else if (this.said !== null) {
      const message = `Invalid timestamp type in message ${describe(this.batch, cursor, timestamp)}. Producer should not set timestamp type to LogAppendTime.`
      this.note({ batchIndex: index, message, isTime: true })
    }
    if (timestamp > this.maxTimestamp) this.maxTimestamp = timestamp
    else if (timestamp < noTimestamp) this.hasNegativeTime = true
    if (cursor.offsetDelta !== index) this.isInOrder = false
  }

  /**
   * Sets the greatest timestamp in the batch header.
   *
   * @returns whether the offset deltas of the records are 0, 1, 2, …
   * @throws ApiError INVALID_RECORD or INVALID_TIMESTAMP if a record was rejected.
   */
  finish(): boolean {
    if (this.faults.length > 0) throw refuseRecords(this.faults, this.faultCount)
    const { isAppendTime } = this
    this.batch.setMaxTimestamp(isAppendTime ? this.nowMs : this.maxTimestamp, isAppendTime)
    return this.isInOrder
  }

  private outOfRange(cursor: RecordCursor, index: number, timestamp: number): void {
    const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = this.config
    const range = `${minus(this.nowMs, before)}, ${minus(this.nowMs, -after)}`
    const message = `Timestamp ${int64Text(timestamp)} of message with offset ${cursor.offsetDelta} is out of range. The timestamp should be within [${range}]`
    this.note({ batchIndex: index, message, isTime: true })
  }

  private note(fault: Fault): void {
    this.faultCount++
    if (this.faults.length < faultsMax) this.faults.push(fault)
  }
}

/** Returns `a - b` exactly, also if `b` is Long.MAX_VALUE. */
function minus(a: number, b: number): bigint {
  const exact = b >= int64Max ? 2n ** 63n - 1n : BigInt(b)
  return BigInt.asIntN(64, BigInt(a) - exact)
}

function refuseRecords(faults: readonly Fault[], count: number): ApiError {
  const recordErrors = faults.map(({ batchIndex, message }) => ({ batchIndex, message }))
  if (faults.some((fault) => fault.isTime)) {
    const detail = 'One or more records have been rejected due to invalid timestamp'
    return new InvalidRecords('INVALID_TIMESTAMP', detail, recordErrors)
  }
  const shown = recordErrors
    .slice(0, 3)
    .map((error) => `RecordError(batchIndex=${error.batchIndex}, message='${error.message}')`)
  const detail = `One or more records have been rejected due to ${count} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`
  return new InvalidRecords('INVALID_RECORD', detail, recordErrors)
}

/** Formats a record as Kafka's `DefaultRecord` does. */
function describe(batch: Batch, cursor: RecordCursor, timestamp: number): string {
  const { keyLength, valueLength, offsetDelta } = cursor
  const size = (length: number) => `${Math.max(0, length)} bytes`
  return `DefaultRecord(offset=${batch.baseOffset + offsetDelta}, timestamp=${int64Text(timestamp)}, key=${size(keyLength)}, value=${size(valueLength)})`
}
