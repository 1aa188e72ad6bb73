import { crc32c } from '../../base/crc32c.ts'
import { readInt64, writeInt64 } from '../../base/int64.ts'

/** Positions in bytes of the fields of a record batch (magic 2, KIP-98). */
const at = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const

/** Size in bytes of a batch header. */
export const batchHeaderBytes = 61
/** Size in bytes of base offset and length, which the length field does not count. */
export const batchOverheadBytes = 12
/** Minimum value of the length field: the smallest batch of any magic without these 12 bytes. */
const lengthMin = 14
/** Bytes needed to know offset, size and magic. */
export const batchPrefixBytes = 17

export const noProducerId = -1
export const noProducerEpoch = -1
export const noSequence = -1
export const noTimestamp = -1
export const noLeaderEpoch = -1

/** Values of the lowest three bits of the attributes. */
export const codecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type CodecName = keyof typeof codecs

const codecMask = 0x07
const logAppendTimeFlag = 0x08
const transactionalFlag = 0x10
const controlFlag = 0x20
const deleteHorizonFlag = 0x40

/**
 * A record batch (magic 2) as a view of bytes: fields are decoded on access, and those that a
 * broker may change are changed in place. The view can be moved to another batch.
 */
export class Batch {
  bytes: Buffer
  /** Start position of the batch in `bytes`. */
  start: number

  constructor(bytes: Buffer, start = 0) {
    this.bytes = bytes
    this.start = start
  }

  get baseOffset(): number {
    return readInt64(this.bytes, this.start)
  }

  /** Base offset and leader epoch are not covered by the checksum, which need not be recomputed. */
  set baseOffset(offset: number) {
    writeInt64(this.bytes, offset, this.start)
  }

  /** Size of the whole batch in bytes, including the 12 that the length field does not count. */
  get sizeBytes(): number {
    return this.bytes.readInt32BE(this.start + at.length) + batchOverheadBytes
  }

  get end(): number {
    return this.start + this.sizeBytes
  }

  get leaderEpoch(): number {
    return this.bytes.readInt32BE(this.start + at.leaderEpoch)
  }

  set leaderEpoch(epoch: number) {
    this.bytes.writeInt32BE(epoch, this.start + at.leaderEpoch)
  }

  get magic(): number {
    return this.bytes[this.start + at.magic]!
  }

  get crc(): number {
    return this.bytes.readUInt32BE(this.start + at.crc)
  }

  get attributes(): number {
    return this.bytes.readInt16BE(this.start + at.attributes)
  }

  /** One of `codecs`, or an undefined value from 5 to 7. */
  get codec(): number {
    return this.attributes & codecMask
  }

  get isLogAppendTime(): boolean {
    return (this.attributes & logAppendTimeFlag) !== 0
  }

  get isTransactional(): boolean {
    return (this.attributes & transactionalFlag) !== 0
  }

  get isControl(): boolean {
    return (this.attributes & controlFlag) !== 0
  }

  /** Whether `baseTimestamp` is the time from which tombstones may be removed (KIP-534). */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & deleteHorizonFlag) !== 0
  }

  get lastOffsetDelta(): number {
    return this.bytes.readInt32BE(this.start + at.lastOffsetDelta)
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta
  }

  get nextOffset(): number {
    return this.lastOffset + 1
  }

  get baseTimestamp(): number {
    return readInt64(this.bytes, this.start + at.baseTimestamp)
  }

  get maxTimestamp(): number {
    return readInt64(this.bytes, this.start + at.maxTimestamp)
  }

  get producerId(): number {
    return readInt64(this.bytes, this.start + at.producerId)
  }

  get producerEpoch(): number {
    return this.bytes.readInt16BE(this.start + at.producerEpoch)
  }

  get baseSequence(): number {
    return this.bytes.readInt32BE(this.start + at.baseSequence)
  }

  /** The last sequence number; sequence numbers wrap from 2^31 - 1 to 0. */
  get lastSequence(): number {
    const base = this.baseSequence
    return base === noSequence ? noSequence : addSequence(base, this.lastOffsetDelta)
  }

  get recordCount(): number {
    return this.bytes.readInt32BE(this.start + at.recordCount)
  }

  get hasProducerId(): boolean {
    return this.producerId > noProducerId
  }

  /** The bytes of the records, compressed if `codec` is not 0. */
  get payload(): Buffer {
    return this.bytes.subarray(this.start + batchHeaderBytes, this.end)
  }

  /** The bytes of this batch only. */
  get slice(): Buffer {
    const isAll = this.start === 0 && this.end === this.bytes.length
    return isAll ? this.bytes : this.bytes.subarray(this.start, this.end)
  }

  /** Returns whether size, magic and checksum are valid; reads every byte of the batch. */
  isIntact(): boolean {
    return (
      this.sizeBytes >= batchHeaderBytes &&
      this.end <= this.bytes.length &&
      this.computeCrc() === this.crc
    )
  }

  computeCrc(): number {
    return crc32c(this.bytes.subarray(this.start + at.attributes, this.end))
  }

  /** Sets the greatest timestamp (ms) and its type; recomputes the checksum if they change. */
  setMaxTimestamp(timestampMs: number, logAppendTime: boolean): void {
    const attributes = logAppendTime
      ? this.attributes | logAppendTimeFlag
      : this.attributes & ~logAppendTimeFlag
    if (this.maxTimestamp === timestampMs && this.attributes === attributes) return
    this.bytes.writeInt16BE(attributes, this.start + at.attributes)
    writeInt64(this.bytes, timestampMs, this.start + at.maxTimestamp)
    this.bytes.writeUInt32BE(this.computeCrc(), this.start + at.crc)
  }
}

/** Returns `sequence + step`, wrapping from 2^31 - 1 to 0. */
export function addSequence(sequence: number, step: number): number {
  const sum = sequence + step
  return sum > 0x7fffffff ? sum - 0x80000000 : sum
}

/** Returns `sequence - step`, wrapping from 0 to 2^31 - 1. */
export function subtractSequence(sequence: number, step: number): number {
  return sequence >= step ? sequence - step : 0x80000000 - (step - sequence)
}

/**
 * Returns the size in bytes of the batch at `start`; NaN if fewer than 12 bytes are left or the
 * length field is invalid. The batch may extend beyond `bytes`.
 */
export function batchSizeAt(bytes: Buffer, start: number): number {
  if (start + batchOverheadBytes > bytes.length) return Number.NaN
  const length = bytes.readInt32BE(start + at.length)
  return length < lengthMin ? Number.NaN : length + batchOverheadBytes
}

/**
 * Iterates over the complete batches in `bytes`; stops before one that is truncated or has an
 * invalid length.
 */
export function* batchesIn(bytes: Buffer, start = 0): Generator<Batch, void, void> {
  for (let at = start; ; ) {
    const size = batchSizeAt(bytes, at)
    if (!(at + size <= bytes.length)) return
    yield new Batch(bytes, at)
    at += size
  }
}

interface HeaderFields {
  readonly baseOffset: number
  readonly leaderEpoch: number
  readonly codec: number
  readonly logAppendTime: boolean
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly deleteHorizon: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Writes the batch header to the start of `bytes`, behind which the records already are. */
export function writeBatchHeader(bytes: Buffer, header: HeaderFields): void {
  const attributes =
    header.codec |
    (header.logAppendTime ? logAppendTimeFlag : 0) |
    (header.isTransactional ? transactionalFlag : 0) |
    (header.isControl ? controlFlag : 0) |
    (header.deleteHorizon ? deleteHorizonFlag : 0)
  writeInt64(bytes, header.baseOffset, at.baseOffset)
  bytes.writeInt32BE(bytes.length - batchOverheadBytes, at.length)
  bytes.writeInt32BE(header.leaderEpoch, at.leaderEpoch)
  bytes[at.magic] = 2
  bytes.writeInt16BE(attributes, at.attributes)
  bytes.writeInt32BE(header.lastOffsetDelta, at.lastOffsetDelta)
  writeInt64(bytes, header.baseTimestampMs, at.baseTimestamp)
  writeInt64(bytes, header.maxTimestampMs, at.maxTimestamp)
  writeInt64(bytes, header.producerId, at.producerId)
  bytes.writeInt16BE(header.producerEpoch, at.producerEpoch)
  bytes.writeInt32BE(header.baseSequence, at.baseSequence)
  bytes.writeInt32BE(header.recordCount, at.recordCount)
  bytes.writeUInt32BE(crc32c(bytes.subarray(at.attributes)), at.crc)
}
