import { int64Max } from '../base/int64.ts'
import { Refusal } from '../protocol/errors.ts'
import {
  Batch,
  batchHeaderBytes,
  batchSizeAt,
  codecs,
  noTimestamp,
} from '../protocol/records/batch.ts'
import { payloadOf, type RecordToWrite, writeCompressedBatch } from '../protocol/records/record.ts'
import { RecordCursor } from '../protocol/records/record-cursor.ts'
import type { LogConfig } from './log-config.ts'

/** A batch that may be appended as it stands. What a coordinator wrote itself needs no `validate`. */
export interface Validated {
  /** Exactly one batch, compressed as the topic demands. */
  readonly bytes: Buffer
  /** -1 unless the topic's timestamps are of log append time; the batch carries it then. */
  readonly logAppendTimeMs: number
}

export interface ValidationRules {
  /** `topic-3`: for what is said about it. */
  readonly partition: string
  readonly config: LogConfig
  readonly nowMs: number
  /** What the records may take when decompressed; a named default where it is left out. */
  readonly decompressedBytesMax?: number
}

/** Why one record of a batch was refused (KIP-467). */
export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** INVALID_RECORD or INVALID_TIMESTAMP, with the records that are to blame. */
export class InvalidRecords extends Refusal {
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

/** @throws Refusal RECORD_LIST_TOO_LARGE for a batch that no segment could hold. */
export function checkFits(bytes: number, { segmentBytes }: LogConfig, partition: string): void {
  if (bytes <= segmentBytes) return
  throw new Refusal(
    'RECORD_LIST_TOO_LARGE',
    `Message batch size is ${bytes} bytes in append to partition ${partition}, which exceeds the maximum configured segment size of ${segmentBytes}.`,
  )
}

const zstdSince = 7

/**
 * What a produce request of this version may hold (`ProduceRequest.validateRecords`).
 *
 * @throws Refusal INVALID_RECORD | UNSUPPORTED_COMPRESSION_TYPE | CORRUPT_MESSAGE
 */
export function checkProduceRecords(records: Buffer, version: number): void {
  const batch = wholeBatchAt(records, 0)
  const only = () => `Produce requests with version ${version}`
  if (batch === null) {
    throw new Refusal(
      'INVALID_RECORD',
      `${only()} must have at least one record batch per partition`,
    )
  }
  if (batch.magic !== 2) {
    throw new Refusal(
      'INVALID_RECORD',
      `${only()} are only allowed to contain record batches with magic version 2`,
    )
  }
  if (version < zstdSince && batch.codec === codecs.zstd) {
    throw new Refusal(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `${only()} are not allowed to use ZStandard compression`,
    )
  }
  if (wholeBatchAt(records, batch.end) !== null) {
    throw new Refusal(
      'INVALID_RECORD',
      `${only()} are only allowed to contain exactly one record batch per partition`,
    )
  }
}

/**
 * Checks what a client wants to append, as Kafka's `LogValidator` does, and brings it into the form
 * that the topic's settings demand: log append time, greatest timestamp, compression. The batch is
 * changed in place unless it must be compressed anew. A promise only where a codec needs one.
 *
 * @throws Refusal CORRUPT_MESSAGE | MESSAGE_TOO_LARGE | INVALID_RECORD | INVALID_TIMESTAMP |
 *   UNSUPPORTED_COMPRESSION_TYPE, as a rejection where it was found out late.
 */
export function validate(records: Buffer, rules: ValidationRules): Validated | Promise<Validated> {
  const batch = wholeBatchAt(records, 0)
  if (batch === null) throw new Refusal('INVALID_RECORD', 'Record batch has no batches at all')
  checkIntegrity(batch, rules)
  checkHeader(batch, rules.partition)
  const whole = batch.end === records.length ? batch : new Batch(batch.slice)
  const source = batch.codec
  const target = targetCodec(rules.config, source)
  if (source === codecs.none && target === codecs.none) {
    checkRecords(whole, new RecordCursor(whole.payload), rules)
    return { bytes: whole.slice, logAppendTimeMs: logAppendTime(rules) }
  }
  const payload = payloadOf(whole, rules.decompressedBytesMax)
  return Buffer.isBuffer(payload)
    ? validateCompressed(whole, payload, target, rules)
    : payload.then((bytes) => validateCompressed(whole, bytes, target, rules))
}

function validateCompressed(
  batch: Batch,
  payload: Buffer,
  target: number,
  rules: ValidationRules,
): Validated | Promise<Validated> {
  const isInPlace = checkRecords(batch, new RecordCursor(payload), rules)
  const logAppendTimeMs = logAppendTime(rules)
  if (isInPlace && target === batch.codec) return { bytes: batch.slice, logAppendTimeMs }
  return rewrite(batch, payload, target, rules).then((bytes) => ({ bytes, logAppendTimeMs }))
}

/** The batch that stands whole at `start`, or null. @throws Refusal CORRUPT_MESSAGE for nonsense. */
function wholeBatchAt(records: Buffer, start: number): Batch | null {
  if (start + 17 > records.length) return null
  const size = batchSizeAt(records, start)
  if (Number.isNaN(size)) {
    const length = records.readInt32BE(start + 8)
    throw new Refusal(
      'CORRUPT_MESSAGE',
      `Record size ${length} is less than the minimum record overhead (14)`,
    )
  }
  const batch = new Batch(records, start)
  if (batch.magic > 2) {
    const magic = (batch.magic << 24) >> 24
    throw new Refusal('CORRUPT_MESSAGE', `Invalid magic found in record: ${magic}`)
  }
  if (start + size > records.length) return null
  if (batch.magic === 2 && size < batchHeaderBytes) {
    throw new Refusal(
      'CORRUPT_MESSAGE',
      `Record batch is corrupt (the size ${size} is smaller than the minimum allowed overhead 61)`,
    )
  }
  return batch
}

/** What `UnifiedLog.analyzeAndValidateRecords` asks of a client's batch. */
function checkIntegrity(batch: Batch, { partition, config }: ValidationRules): void {
  if (batch.magic !== 2) {
    throw new Refusal('INVALID_RECORD', 'Only record batches with magic version 2 are written')
  }
  if (batch.baseOffset !== 0) {
    throw new Refusal(
      'INVALID_RECORD',
      `The baseOffset of the record batch in the append to ${partition} should be 0, but it is ${batch.baseOffset}`,
    )
  }
  if (batch.sizeBytes > config.maxMessageBytes) {
    throw new Refusal(
      'MESSAGE_TOO_LARGE',
      `The record batch size in the append to ${partition} is ${batch.sizeBytes} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}.`,
    )
  }
  const computed = batch.computeCrc()
  if (computed !== batch.crc) {
    throw new Refusal(
      'CORRUPT_MESSAGE',
      `Record is corrupt (stored crc = ${batch.crc}, computed crc = ${computed}) in topic partition ${partition}.`,
    )
  }
}

/** `LogValidator.validateBatch` */
function checkHeader(batch: Batch, partition: string): void {
  const { baseOffset, lastOffset, recordCount } = batch
  const invalid = (what: string) =>
    new Refusal('INVALID_RECORD', `${what} in topic partition ${partition}`)
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

/**
 * Walks over the records and, if all are right, has the batch say its greatest timestamp.
 *
 * @returns whether the records are numbered as they should be.
 */
function checkRecords(batch: Batch, cursor: RecordCursor, rules: ValidationRules): boolean {
  const { config, nowMs } = rules
  const { baseTimestamp, recordCount, isLogAppendTime } = batch
  const isAppendTime = config.messageTimestampType === 'LogAppendTime'
  const needsKey = config.cleanupPolicy.includes('compact')
  const oldest = nowMs - config.messageTimestampBeforeMaxMs
  const newest = nowMs + config.messageTimestampAfterMaxMs
  const said = isLogAppendTime ? batch.maxTimestamp : null
  const errors: (RecordError & { readonly isTime: boolean })[] = []
  let maxTimestamp = noTimestamp
  let isInOrder = true
  for (let i = 0; i < recordCount; i++) {
    if (cursor.atEnd) throw miscounted('premature EOF reached')
    cursor.next()
    const timestamp = said ?? baseTimestamp + cursor.timestampDelta
    if (needsKey && cursor.keyLength < 0) {
      const message = `Compacted topic cannot accept message without key in topic partition ${rules.partition}`
      errors.push({ batchIndex: i, message, isTime: false })
    } else if (!isAppendTime && timestamp !== noTimestamp) {
      if (timestamp < oldest || timestamp > newest) {
        const range = `${minus(nowMs, config.messageTimestampBeforeMaxMs)}, ${minus(nowMs, -config.messageTimestampAfterMaxMs)}`
        const message = `Timestamp ${timestamp} of message with offset ${cursor.offsetDelta} is out of range. The timestamp should be within [${range}]`
        errors.push({ batchIndex: i, message, isTime: true })
      }
    } else if (isLogAppendTime) {
      const message = `Invalid timestamp type in message ${describe(batch, cursor, timestamp)}. Producer should not set timestamp type to LogAppendTime.`
      errors.push({ batchIndex: i, message, isTime: true })
    }
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    if (cursor.offsetDelta !== i) isInOrder = false
  }
  if (!cursor.atEnd) throw miscounted('records still remaining in file')
  if (errors.length > 0) throw refuseRecords(errors)
  batch.setMaxTimestamp(isAppendTime ? nowMs : maxTimestamp, isAppendTime)
  return isInOrder
}

/** `a - b` in digits, exact also where `b` is Long.MAX_VALUE. */
function minus(a: number, b: number): bigint {
  const exact = b >= int64Max ? 2n ** 63n - 1n : BigInt(b)
  return BigInt.asIntN(64, BigInt(a) - exact)
}

function refuseRecords(errors: readonly (RecordError & { readonly isTime: boolean })[]): Refusal {
  const recordErrors = errors.map(({ batchIndex, message }) => ({ batchIndex, message }))
  if (errors.some((error) => error.isTime)) {
    const detail = 'One or more records have been rejected due to invalid timestamp'
    return new InvalidRecords('INVALID_TIMESTAMP', detail, recordErrors)
  }
  const shown = recordErrors
    .slice(0, 3)
    .map((error) => `RecordError(batchIndex=${error.batchIndex}, message='${error.message}')`)
  const detail = `One or more records have been rejected due to ${errors.length} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`
  return new InvalidRecords('INVALID_RECORD', detail, recordErrors)
}

/** As Kafka prints a record. */
function describe(batch: Batch, cursor: RecordCursor, timestamp: number): string {
  const { keyLength, valueLength, offsetDelta } = cursor
  const size = (length: number) => `${Math.max(0, length)} bytes`
  return `DefaultRecord(offset=${batch.baseOffset + offsetDelta}, timestamp=${timestamp}, key=${size(keyLength)}, value=${size(valueLength)})`
}

const miscounted = (how: string) =>
  new Refusal('INVALID_RECORD', `Incorrect declared batch size, ${how}`)

/** `compression.type`: what the producer chose, or what the topic demands. */
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

/** The same records numbered from 0, in another compression. */
async function rewrite(
  batch: Batch,
  payload: Buffer,
  target: number,
  rules: ValidationRules,
): Promise<Buffer> {
  const cursor = new RecordCursor(payload)
  const records: RecordToWrite[] = []
  for (let i = 0; i < batch.recordCount; i++) {
    cursor.next()
    const timestampMs = batch.baseTimestamp + cursor.timestampDelta
    const [key, value, headers] = [cursor.key(), cursor.value(), cursor.headers()]
    records.push({ key, value, headers, timestampMs })
  }
  const name = (Object.keys(codecs) as (keyof typeof codecs)[])[target]!
  const { compressionLevel } = rules.config
  const rewritten = {
    records,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    ...(batch.isLogAppendTime ? { logAppendTimeMs: batch.maxTimestamp } : {}),
  }
  return writeCompressedBatch(rewritten, name, compressionLevel ?? undefined)
}

function logAppendTime({ config, nowMs }: ValidationRules): number {
  return config.messageTimestampType === 'LogAppendTime' ? nowMs : -1
}
