/** A record of a coordinator's partition; a null value is a tombstone. */
export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A record batch that is read back while a shard loads. */
export interface LoadedBatch {
  readonly baseOffset: number
  readonly records: readonly (KeyValue & { readonly timestampMs: number })[]
  readonly producerId: number
  readonly producerEpoch: number
  readonly isTransactional: boolean
  /**
   * The outcome of a control batch, which has a transaction marker instead of records; else null.
   */
  readonly marker: 'commit' | 'abort' | null
}

/** A transaction marker, written to a coordinator's partition. */
export interface Marker {
  readonly producerId: number
  readonly producerEpoch: number
  /** The epoch of the transaction coordinator that decided the outcome. */
  readonly coordinatorEpoch: number
  readonly isCommit: boolean
  /**
   * The `transaction.version` of the marker; from 2 on its producer epoch must be above the epoch
   * of the records that it ends. 0 if left out.
   */
  readonly transactionVersion?: number
}

/** A producer that writes to a coordinator's partition within a transaction. */
export interface TransactionalProducer {
  readonly producerId: number
  readonly producerEpoch: number
  /**
   * The verification guard of the log, see `AppendContext.guard`; undefined if none is required.
   */
  readonly guard: symbol | null | undefined
}

/** One partition of a coordinator's topic on its leader. The broker supplies it. */
export interface CoordinatorLog {
  /** The offset of the next record. */
  readonly endOffset: number
  /**
   * Appends the records as one atomic batch; offsets follow the order of the calls. Resolves when
   * the records are committed (the high watermark has passed them); rejects when they never will
   * be.
   */
  append(
    records: readonly KeyValue[],
    options?: {
      readonly producerId: number
      readonly producerEpoch: number
      readonly isTransactional: boolean
    },
  ): Promise<void>
  /** Appends the transaction marker; resolves when it is committed. */
  appendMarker(marker: Marker): Promise<void>
  /**
   * Checks a producer before the shard decides on its request, so that an error of the producer is
   * not mistaken for a failed append.
   *
   * @throws ApiError INVALID_PRODUCER_EPOCH | INVALID_TXN_STATE
   */
  checkProducer(producer: TransactionalProducer): void
  /** @throws ApiError INVALID_PRODUCER_EPOCH | TRANSACTION_COORDINATOR_FENCED */
  checkMarker(marker: Marker): void
  /** Resolves when all earlier appends are committed. */
  committed(): Promise<void>
  /**
   * Deletes the records below a committed offset, as DeleteRecords does.
   *
   * @throws ApiError NOT_LEADER_OR_FOLLOWER | OFFSET_OUT_OF_RANGE
   */
  deleteRecordsBefore(offset: number): void
  /** Reads the batches from the log start offset to the high watermark. */
  load(): AsyncIterable<LoadedBatch>
}
