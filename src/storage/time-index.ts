import { readInt64, writeInt64 } from '../base/int64.ts'
import { noTimestamp } from '../protocol/records/batch.ts'

const entryBytes = 12
const firstRoom = 8

/**
 * Sparse index of a segment, Kafka's `.timeindex`: pairs of greatest timestamp so far and its
 * offset. Timestamps ascend; no record before an entry's offset is newer than its timestamp.
 */
export class TimeIndex {
  readonly baseOffset: number
  private timestamps: Float64Array
  private offsets: Int32Array
  private count: number

  private constructor(
    baseOffset: number,
    timestamps: Float64Array,
    offsets: Int32Array,
    count: number,
  ) {
    this.baseOffset = baseOffset
    this.timestamps = timestamps
    this.offsets = offsets
    this.count = count
  }

  static empty(baseOffset: number): TimeIndex {
    return new TimeIndex(baseOffset, new Float64Array(0), new Int32Array(0), 0)
  }

  /**
   * Parses an index file; returns null if it is invalid. Ignores zeros at the end (preallocated).
   */
  static parse(baseOffset: number, bytes: Buffer): TimeIndex | null {
    if (bytes.length % entryBytes !== 0) return null
    const room = bytes.length / entryBytes
    const [timestamps, offsets] = [new Float64Array(room), new Int32Array(room)]
    let count = 0
    for (; count < room; count++) {
      const timestamp = readInt64(bytes, count * entryBytes)
      const offset = bytes.readInt32BE(count * entryBytes + 8)
      if (timestamp === 0 && offset === 0) break
      if (offset < 0) return null
      if (count > 0 && timestamp <= timestamps[count - 1]!) return null
      if (count > 0 && offset < offsets[count - 1]!) return null
      timestamps[count] = timestamp
      offsets[count] = offset
    }
    return new TimeIndex(baseOffset, timestamps.slice(0, count), offsets.slice(0, count), count)
  }

  get length(): number {
    return this.count
  }

  get memoryBytes(): number {
    return this.timestamps.byteLength + this.offsets.byteLength
  }

  /** The timestamp of the last entry; -1 if there is none. */
  get lastTimestamp(): number {
    return this.count === 0 ? noTimestamp : this.timestamps[this.count - 1]!
  }

  get lastOffset(): number {
    return this.baseOffset + (this.count === 0 ? 0 : this.offsets[this.count - 1]!)
  }

  /** Adds an entry if its timestamp is greater than that of the last entry. */
  append(timestamp: number, offset: number): void {
    if (timestamp <= this.lastTimestamp) return
    if (this.count === this.offsets.length) {
      const room = Math.max(firstRoom, this.count * 2)
      const [timestamps, offsets] = [new Float64Array(room), new Int32Array(room)]
      timestamps.set(this.timestamps)
      offsets.set(this.offsets)
      this.timestamps = timestamps
      this.offsets = offsets
    }
    this.timestamps[this.count] = timestamp
    this.offsets[this.count] = offset - this.baseOffset
    this.count++
  }

  /**
   * Returns the offset of the last entry not newer than `timestamp`; no record before it is newer.
   */
  offsetBefore(timestamp: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timestamps[middle]! <= timestamp) low = middle + 1
      else high = middle
    }
    return this.baseOffset + (low === 0 ? 0 : this.offsets[low - 1]!)
  }

  /** Removes the entries at or above `offset`. */
  truncateTo(offset: number): void {
    while (this.count > 0 && this.offsets[this.count - 1]! >= offset - this.baseOffset) this.count--
  }

  toBytes(): Buffer {
    const bytes = Buffer.allocUnsafe(this.count * entryBytes)
    for (let i = 0; i < this.count; i++) {
      writeInt64(bytes, this.timestamps[i]!, i * entryBytes)
      bytes.writeInt32BE(this.offsets[i]!, i * entryBytes + 8)
    }
    return bytes
  }
}
