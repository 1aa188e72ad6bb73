import { fetch } from '../../../src/protocol/messages/01-fetch.ts'
import { batchesIn } from '../../../src/protocol/records/batch.ts'
import { readTransactionMarker } from '../../../src/protocol/records/control.ts'
import { readRecords } from '../../../src/protocol/records/record.ts'
import type { RawClient } from '../raw-client.ts'
import type { History, View } from './history.ts'

export interface ReaderOptions {
  readonly topic: string
  readonly partitions: number
  /** Maximum size of an answer per partition; small ones begin and end anywhere. */
  readonly partitionMaxBytes: number
  /** Simulates a broker that reports no aborted transactions. */
  readonly ignoresAborted?: boolean
  /** Simulates a broker without a last stable offset. */
  readonly ignoresStable?: boolean
}

/** Reads all partitions from the beginning and filters aborted transactions, like a consumer. */
export class Reader {
  readonly view: View
  readonly #client: RawClient
  readonly #history: History
  readonly #o: ReaderOptions
  readonly #positions: number[]
  /** For each partition, the producers with an aborted transaction at the position. */
  #ends: number[]

  constructor(client: RawClient, history: History, view: View, o: ReaderOptions) {
    this.#client = client
    this.#history = history
    this.view = view
    this.#o = o
    this.#positions = new Array(o.partitions).fill(0)
    this.#ends = new Array(o.partitions).fill(Number.POSITIVE_INFINITY)
  }

  /** Reads until `isOver` returns true, and then to the end. */
  async run(isOver: () => boolean): Promise<void> {
    for (let rest = false; ; ) {
      rest = isOver()
      await this.#fetch()
      if (rest && this.#positions.every((position, i) => position >= this.#ends[i]!)) return
    }
  }

  async #fetch(): Promise<void> {
    const partitions = this.#positions.map((fetchOffset, partition) => {
      return { partition, fetchOffset, partitionMaxBytes: this.#o.partitionMaxBytes }
    })
    const { responses } = await this.#client.request(fetch, 12, {
      ...{ maxWaitMs: 10, minBytes: 1, maxBytes: 1 << 20 },
      isolationLevel: this.view.isCommitted && this.#o.ignoresStable !== true ? 1 : 0,
      topics: [{ topic: this.#o.topic, partitions }],
    })
    for (const partition of responses[0]?.partitions ?? []) {
      if (partition.errorCode !== 0) throw new Error(`Fetch: error ${partition.errorCode}`)
      const { partitionIndex: i, lastStableOffset, highWatermark, records } = partition
      this.#ends[i] = this.view.isCommitted ? lastStableOffset : highWatermark
      if (this.#o.ignoresStable === true) this.#ends[i] = highWatermark
      const aborted = this.#o.ignoresAborted === true ? [] : (partition.abortedTransactions ?? [])
      await this.#take(i, records ?? Buffer.alloc(0), aborted)
    }
  }

  async #take(
    partition: number,
    bytes: Buffer,
    aborted: readonly { readonly producerId: number; readonly firstOffset: number }[],
  ): Promise<void> {
    const due = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
    const skipped = new Set<number>()
    for (const batch of batchesIn(bytes)) {
      const { baseOffset, lastOffsetDelta, producerId, isControl } = batch
      const lastOffset = baseOffset + lastOffsetDelta
      if (lastOffset < this.#positions[partition]!) continue
      if (this.view.isCommitted) {
        while (due[0] !== undefined && due[0].firstOffset <= lastOffset) {
          skipped.add(due.shift()!.producerId)
        }
      }
      if (isControl) {
        if (readTransactionMarker(batch)?.kind === 'abort') skipped.delete(producerId)
      } else if (!skipped.has(producerId)) {
        for (const { offset, value } of await readRecords(batch)) {
          const isNew = offset >= this.#positions[partition]!
          if (isNew) this.#history.deliver(this.view, { partition, offset, value: String(value) })
        }
      }
      this.#positions[partition] = lastOffset + 1
    }
  }
}
