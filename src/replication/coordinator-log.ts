import type { Clock } from '../base/clock.ts'
import { Refusal } from '../protocol/errors.ts'
import { Batch, batchesIn } from '../protocol/records/batch.ts'
import {
  controlTypes,
  readControlRecord,
  writeTransactionMarker,
} from '../protocol/records/control.ts'
import { readRecords, writeBatch } from '../protocol/records/record.ts'
import type { AppendContext } from '../storage/log-contract.ts'
import type { Partition } from './partition.ts'

interface Entry {
  readonly key: Buffer
  readonly value: Buffer | null
}

interface Marker {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly isCommit: boolean
  readonly transactionVersion?: number
}

interface Transactional {
  readonly producerId: number
  readonly producerEpoch: number
  readonly isTransactional: boolean
}

interface Guarded {
  readonly guard: symbol | null | undefined
}

const done: Promise<void> = Promise.resolve()

/** How much of a log is read at a time while a shard loads (`offsets.load.buffer.size`). */
const loadBytes = 5 * 1024 * 1024

/** A led partition as a coordinator sees it: see `coordinator/coordinator-log.ts`. */
export class PartitionCoordinatorLog {
  private readonly partition: Partition
  private readonly clock: Clock
  private readonly epoch: number
  private readonly baseSequence: number
  private last = done

  /**
   * @param baseSequence what batches without a producer say: 0 in the log of groups, -1 in that of
   *   transactions, as Kafka's coordinators write it.
   */
  constructor(partition: Partition, clock: Clock, baseSequence: 0 | -1) {
    this.partition = partition
    this.clock = clock
    this.baseSequence = baseSequence
    this.epoch = partition.leaderEpoch
  }

  append(entries: readonly Entry[], o?: Transactional): Promise<void> {
    const timestampMs = this.clock.nowMs()
    const bytes = writeBatch({
      records: entries.map(({ key, value }) => ({ key, value, timestampMs })),
      baseSequence: this.baseSequence,
      ...o,
    })
    this.checkFits(bytes.length)
    return this.write(bytes)
  }

  /** Kafka's coordinators keep to the topic's `max.message.bytes`, as clients must. */
  private checkFits(bytes: number): void {
    const { name, log } = this.partition
    if (bytes <= log.config.maxMessageBytes) return
    throw new Refusal(
      'MESSAGE_TOO_LARGE',
      `${bytes} bytes for ${name}, whose max.message.bytes is ${log.config.maxMessageBytes}`,
    )
  }

  appendMarker(o: Marker): Promise<void> {
    return this.write(markerBatch(o, this.clock.nowMs()), o.transactionVersion)
  }

  checkProducer({ guard, ...producer }: Omit<Transactional, 'isTransactional'> & Guarded): void {
    const records = [{ key: null, value: null, timestampMs: 0 }]
    const bytes = writeBatch({ records, baseSequence: 0, isTransactional: true, ...producer })
    this.check(bytes, { guard })
  }

  checkMarker(o: Marker): void {
    const { transactionVersion = 0 } = o
    this.check(markerBatch(o, 0), { transactionVersion })
  }

  private check(bytes: Buffer, o: Pick<AppendContext, 'guard' | 'transactionVersion'>): void {
    const { log } = this.partition
    const context = { leaderEpoch: this.epoch, origin: 'coordinator', ...o } as const
    log.producers.check(new Batch(bytes), log.logEndOffset, context)
  }

  private write(bytes: Buffer, transactionVersion?: number): Promise<void> {
    try {
      const { committed } = this.partition.appendTrusted(bytes, this.epoch, transactionVersion)
      // What came before is committed too then.
      this.last = committed ?? done
    } catch (error) {
      return Promise.reject(error)
    }
    // Whoever waits for `committed` hears of a failure too; nobody may be waiting.
    this.last.catch(() => {})
    return this.last
  }

  committed(): Promise<void> {
    return this.last
  }

  async *load() {
    const { partition } = this
    let offset = partition.logStartOffset
    while (offset < partition.highWatermark) {
      const read = await partition.read(offset, {
        maxBytes: loadBytes,
        minOneBatch: true,
        isolation: 0,
      })
      if (read.bytes === 0) return
      const bytes = Buffer.concat(read.chunks)
      for (const batch of batchesIn(bytes)) {
        yield {
          baseOffset: batch.baseOffset,
          records: batch.isControl ? [] : await entriesOf(batch),
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

async function entriesOf(batch: AnyBatch) {
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

/** The control batch that ends a producer's transaction in one partition. */
export function markerBatch(o: Omit<Marker, 'transactionVersion'>, timestampMs: number): Buffer {
  const { producerId, producerEpoch, coordinatorEpoch, isCommit } = o
  const marker = { kind: isCommit ? 'commit' : 'abort', coordinatorEpoch } as const
  return writeTransactionMarker({ producerId, producerEpoch, timestampMs, marker })
}
