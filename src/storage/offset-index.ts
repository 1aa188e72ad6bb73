const entryBytes = 8
const firstRoom = 8

/**
 * Sparse index of a segment, Kafka's `.index`: pairs of relative offset and position. An entry has
 * the last offset of a batch and the position at which that batch starts.
 */
export class OffsetIndex {
  readonly baseOffset: number
  /** Pairs of relative offset and position, of which `count` are in use. */
  private entries: Int32Array
  private count: number

  private constructor(baseOffset: number, entries: Int32Array, count: number) {
    this.baseOffset = baseOffset
    this.entries = entries
    this.count = count
  }

  static empty(baseOffset: number): OffsetIndex {
    return new OffsetIndex(baseOffset, new Int32Array(0), 0)
  }

  /**
   * Parses an index file. Returns null if it cannot be an index of this segment: an incomplete
   * entry, or offsets or positions that do not ascend. Zeros at the end (Kafka preallocates the
   * file) are ignored.
   */
  static parse(baseOffset: number, bytes: Buffer, segmentBytes: number): OffsetIndex | null {
    if (bytes.length % entryBytes !== 0) return null
    const entries = new Int32Array(bytes.length / 4)
    let count = 0
    for (; count * entryBytes < bytes.length; count++) {
      const offset = bytes.readInt32BE(count * entryBytes)
      const position = bytes.readInt32BE(count * entryBytes + 4)
      if (offset === 0 && position === 0) break
      const isFirst = count === 0
      if (offset < 0 || position < 0 || position >= segmentBytes) return null
      if (!isFirst && offset <= entries[count * 2 - 2]!) return null
      if (!isFirst && position <= entries[count * 2 - 1]!) return null
      entries[count * 2] = offset
      entries[count * 2 + 1] = position
    }
    return new OffsetIndex(baseOffset, entries.slice(0, count * 2), count)
  }

  get length(): number {
    return this.count
  }

  get memoryBytes(): number {
    return this.entries.byteLength
  }

  /** The offset of the last entry; the base offset if there is none. */
  get lastOffset(): number {
    return this.baseOffset + (this.count === 0 ? 0 : this.entries[this.count * 2 - 2]!)
  }

  /** The start position of the last batch with an entry; 0 if there is none. */
  get lastPosition(): number {
    return this.count === 0 ? 0 : this.entries[this.count * 2 - 1]!
  }

  append(offset: number, position: number): void {
    if (this.count * 2 === this.entries.length) {
      const wider = new Int32Array(Math.max(firstRoom, this.entries.length * 2))
      wider.set(this.entries)
      this.entries = wider
    }
    this.entries[this.count * 2] = offset - this.baseOffset
    this.entries[this.count * 2 + 1] = position
    this.count++
  }

  /**
   * Returns where to start searching for the batch with `offset` and where the search must end
   * (null: the end of the segment). `isBehind`: whether the batch of the entry at `from` ends
   * directly before `offset`.
   */
  rangeOf(offset: number): {
    readonly from: number
    readonly by: number | null
    readonly isBehind: boolean
  } {
    const relative = offset - this.baseOffset
    const index = this.floor(relative)
    return {
      from: index < 0 ? 0 : this.entries[index * 2 + 1]!,
      by: index + 1 < this.count ? this.entries[index * 2 + 3]! : null,
      isBehind: index >= 0 && this.entries[index * 2] === relative - 1,
    }
  }

  /**
   * Returns the last entry with a position of at most `position` and an offset of at most `offset`:
   * all batches before its position end below its offset. Null if there is none.
   */
  lastWithin(position: number, offset: number): { position: number; offset: number } | null {
    let low = 0
    let high = this.floor(offset - this.baseOffset) + 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.entries[middle * 2 + 1]! <= position) low = middle + 1
      else high = middle
    }
    if (low === 0) return null
    const last = this.entries[low * 2 - 2]!
    return { position: this.entries[low * 2 - 1]!, offset: this.baseOffset + last }
  }

  /** Removes the entries at or above `offset`. */
  truncateTo(offset: number): void {
    this.count = this.floor(offset - this.baseOffset - 1) + 1
  }

  toBytes(): Buffer {
    const bytes = Buffer.allocUnsafe(this.count * entryBytes)
    for (let i = 0; i < this.count * 2; i++) bytes.writeInt32BE(this.entries[i]!, i * 4)
    return bytes
  }

  /** Returns the index of the last entry with a relative offset of at most `offset`; -1 if none. */
  private floor(offset: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.entries[middle * 2]! <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
