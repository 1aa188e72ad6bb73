import type { Clock } from '../base/clock.ts'
import { batchesIn } from '../protocol/records/batch.ts'
import {
  controlTypes,
  readControlRecord,
  writeTransactionMarker,
} from '../protocol/records/control.ts'
import { readRecords, writeBatch } from '../protocol/records/record.ts'
import type { Partition } from './partition.ts'

interface Entry {
  readonly key: Buffer
  readonly value: Buffer | null
}

interface Transactional {
  readonly producerId: number
  readonly producerEpoch: number
  readonly isTransactional: boolean
}

/** How much of a log is read at a time while a shard loads (`offsets.load.buffer.size`). */
const loadBytes = 5 * 1024 * 1024

/** A led partition as a coordinator sees it: see `coordinator/coordinator-log.ts`. */
export class PartitionCoordinatorLog {
  private readonly partition: Partition
  private readonly clock: Clock
  private readonly epoch: number
  private last: Promise<void> = Promise.resolve()

  constructor(partition: Partition, clock: Clock) {
    this.partition = partition
    this.clock = clock
    this.epoch = partition.leaderEpoch
  }

  append(entries: readonly Entry[], o?: Transactional): Promise<void> {
    const timestampMs = this.clock.nowMs()
    const bytes = writeBatch({
      records: entries.map(({ key, value }) => ({ key, value, timestampMs })),
      // As Kafka's coordinators write it, without a producer id too.
      baseSequence: 0,
      ...o,
    })
    return this.write(bytes)
  }

  appendMarker(o: {
    readonly producerId: number
    readonly producerEpoch: number
    readonly coordinatorEpoch: number
    readonly isCommit: boolean
  }): Promise<void> {
    const { producerId, producerEpoch, coordinatorEpoch } = o
    const marker = { kind: o.isCommit ? 'commit' : 'abort', coordinatorEpoch } as const
    const timestampMs = this.clock.nowMs()
    return this.write(writeTransactionMarker({ producerId, producerEpoch, timestampMs, marker }))
  }

  private write(bytes: Buffer): Promise<void> {
    try {
      this.last = this.partition.appendTrusted(bytes, this.epoch).committed
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
