export interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record of a batch. Keys and values are views of the (decompressed) payload. */
export interface KafkaRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface RecordToWrite {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  /** In ms since the epoch. */
  readonly timestampMs: number
  /** Only for batches with gaps between records, as after compaction; by default consecutive. */
  readonly offsetDelta?: number
}
