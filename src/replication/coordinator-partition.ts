import type { Clock } from '../base/clock.ts'
import type {
  CoordinatorLog,
  KeyValue,
  LoadedBatch,
  Marker,
  TransactionalProducer,
} from '../coordinator/coordinator-log.ts'
import { ApiError } from '../protocol/errors.ts'
import { Batch, batchesIn } from '../protocol/records/batch.ts'
import {
  controlTypes,
  readControlRecord,
  writeTransactionMarker,
} from '../protocol/records/control.ts'
import { readRecords, writeBatch } from '../protocol/records/record.ts'
import type { AppendContext } from '../storage/log-contract.ts'
import type { Partition } from './partition.ts'

const done: Promise<void> = Promise.resolve()

/** Bytes per read while a shard loads (default of `offsets.load.buffer.size`). */
const loadBytes = 5 * 1024 * 1024

/** A partition of a coordinator's topic, on its leader. */
export class CoordinatorPartition implements CoordinatorLog {
  private readonly partition: Partition
  private readonly clock: Clock
  private readonly epoch: number
  private readonly baseSequence: number
  private last = done

  /**
   * @param baseSequence of batches without a producer: 0 in `__consumer_offsets`, -1 in
   * `__transaction_state`, as in Kafka's coordinators.
   */
  constructor(partition: Partition, clock: Clock, baseSequence: 0 | -1) {
    this.partition = partition
    this.clock = clock
    this.baseSequence = baseSequence
    this.epoch = partition.leaderEpoch
  }

  get endOffset(): number {
    return this.partition.log.logEndOffset
  }

  append(
    records: readonly KeyValue[],
    options?: Parameters<CoordinatorLog['append']>[1],
  ): Promise<void> {
    const timestampMs = this.clock.nowMs()
    const bytes = writeBatch({
      records: records.map(({ key, value }) => ({ key, value, timestampMs })),
      baseSequence: this.baseSequence,
      ...options,
    })
    this.checkFits(bytes.length)
    return this.write(bytes)
  }

  /** Kafka's coordinators respect the topic's `max.message.bytes`, as clients must. */
  private checkFits(bytes: number): void {
    const { name, log } = this.partition
    if (bytes <= log.config.maxMessageBytes) return
    throw new ApiError(
      'MESSAGE_TOO_LARGE',
      `${bytes} bytes for ${name}, whose max.message.bytes is ${log.config.maxMessageBytes}`,
    )
  }

  appendMarker(marker: Marker): Promise<void> {
    return this.write(markerBatch(marker, this.clock.nowMs()), marker.transactionVersion)
  }

  checkProducer({ guard, ...producer }: TransactionalProducer): void {
    const records = [{ key: null, value: null, timestampMs: 0 }]
    const bytes = writeBatch({ records, baseSequence: 0, isTransactional: true, ...producer })
    this.check(bytes, { guard })
  }

  checkMarker(marker: Marker): void {
    const { transactionVersion = 0 } = marker
    this.check(markerBatch(marker, 0), { transactionVersion })
  }

  private check(bytes: Buffer, options: Pick<AppendContext, 'guard' | 'transactionVersion'>): void {
    const { log } = this.partition
    const context = { leaderEpoch: this.epoch, origin: 'coordinator', ...options } as const
    log.producers.check(new Batch(bytes), log.logEndOffset, context)
  }

  private write(bytes: Buffer, transactionVersion?: number): Promise<void> {
    try {
      const { committed } = this.partition.appendTrusted(bytes, this.epoch, transactionVersion)
      // If this batch is committed, all earlier ones are, too.
      this.last = committed ?? done
    } catch (error) {
      return Promise.reject(error)
    }
    // Callers of `committed` get the error as well, but there may be none.
    this.last.catch(() => {})
    return this.last
  }

  committed(): Promise<void> {
    return this.last
  }

  /** A damaged batch must not be loaded: a flipped bit could mean another offset. */
  private damaged(offset: number): ApiError {
    const { name } = this.partition
    return new ApiError('CORRUPT_MESSAGE', `The batch at offset ${offset} of ${name} is damaged.`)
  }

  deleteRecordsBefore(offset: number): void {
    this.partition.deleteRecordsBefore(offset)
  }

  async *load(): AsyncIterable<LoadedBatch> {
    const { partition } = this
    let offset = partition.logStartOffset
    while (offset < partition.highWatermark) {
      const read = await partition.read(offset, {
        maxBytes: loadBytes,
        minOneBatch: true,
        isolation: 0,
      })
      // No complete batch is left: the log has logged the damage; Kafka ends the loading, too.
      if (read.bytes === 0 || read.nextOffset <= offset) return
      const bytes = Buffer.concat(read.chunks)
      for (const batch of batchesIn(bytes)) {
        if (!batch.isIntact()) throw this.damaged(batch.baseOffset)
        yield {
          baseOffset: batch.baseOffset,
          records: batch.isControl ? [] : await keyedRecordsOf(batch),
          producerId: batch.producerId,
          producerEpoch: batch.producerEpoch,
          isTransactional: batch.isTransactional,
          marker: batch.isControl ? markerOf(batch) : null,
        }
      }
      offset = read.nextOffset
    }
  }
}

type AnyBatch = Parameters<typeof readRecords>[0]

async function keyedRecordsOf(batch: AnyBatch) {
  const records = await readRecords(batch)
  return records.flatMap(({ key, value, timestampMs }) =>
    key === null ? [] : [{ key, value, timestampMs }],
  )
}

function markerOf(batch: AnyBatch): 'commit' | 'abort' | null {
  const type = readControlRecord(batch)?.type
  if (type === controlTypes.commit) return 'commit'
  return type === controlTypes.abort ? 'abort' : null
}

/** Builds the control batch that ends a producer's transaction in one partition. */
export function markerBatch(
  { producerId, producerEpoch, coordinatorEpoch, isCommit }: Marker,
  timestampMs: number,
): Buffer {
  const marker = { kind: isCommit ? 'commit' : 'abort', coordinatorEpoch } as const
  return writeTransactionMarker({ producerId, producerEpoch, timestampMs, marker })
}
