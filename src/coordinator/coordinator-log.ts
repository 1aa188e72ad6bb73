/** A record of a coordinator's log; a null value is a tombstone. */
export interface KeyValue {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A batch as it is read back while a shard loads. */
export interface LoadedBatch {
  readonly baseOffset: number
  readonly records: readonly (KeyValue & { readonly timestampMs: number })[]
  readonly producerId: number
  readonly producerEpoch: number
  readonly isTransactional: boolean
  /** A transaction marker instead of records, or null. */
  readonly marker: 'commit' | 'abort' | null
}

/** The end of a producer's transaction, as it goes into a coordinator's log. */
export interface Marker {
  readonly producerId: number
  readonly producerEpoch: number
  /** Of the transaction coordinator that decided. */
  readonly coordinatorEpoch: number
  readonly isCommit: boolean
  /** From 2 on the epoch must be above that of the records which the marker ends; 0 if left out. */
  readonly transactionVersion?: number
}

/** A producer that writes into a coordinator's log within a transaction. */
export interface TransactionalProducer {
  readonly producerId: number
  readonly producerEpoch: number
  /** What the log gave out for it, see `AppendContext.guard`; undefined where none is asked for. */
  readonly guard: symbol | null | undefined
}

/** One partition of a coordinator's topic, as its leader sees it. Handed in by the broker. */
export interface CoordinatorLog {
  /**
   * Appends the records as one atomic batch, offsets given in call order. Resolves when they are
   * committed (the high watermark has passed them); rejects when they are not and never will be.
   */
  append(
    records: readonly KeyValue[],
    o?: {
      readonly producerId: number
      readonly producerEpoch: number
      readonly isTransactional: boolean
    },
  ): Promise<void>
  /** Appends the control record that ends a transaction; resolves when it is committed. */
  appendMarker(marker: Marker): Promise<void>
  /**
   * To be asked before a shard decides on what a producer sent, so that the producer's fault is not
   * taken for the log's.
   *
   * @throws Refusal INVALID_PRODUCER_EPOCH | INVALID_TXN_STATE
   */
  checkProducer(producer: TransactionalProducer): void
  /** @throws Refusal INVALID_PRODUCER_EPOCH | TRANSACTION_COORDINATOR_FENCED */
  checkMarker(marker: Marker): void
  /** Resolves when all that was appended before is committed. */
  committed(): Promise<void>
  /** Everything from the log start offset to the high watermark, batch by batch. */
  load(): AsyncIterable<LoadedBatch>
}

/** What a coordinator needs to know of topics; kept true by the broker. */
export interface TopicView {
  byName(name: string): TopicSummary | null
  byId(id: string): TopicSummary | null
  all(): Iterable<TopicSummary>
  /** The offset of the metadata that this view shows. */
  readonly version: number
}

export interface TopicSummary {
  readonly name: string
  readonly id: string
  readonly partitionCount: number
  /** Racks of the replicas of each partition; empty sets where brokers have no rack. */
  readonly partitionRacks: readonly ReadonlySet<string>[]
}
