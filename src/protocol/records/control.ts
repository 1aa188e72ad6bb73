import type { Batch } from './batch.ts'
import { codecs } from './batch.ts'
import { writeBatch } from './record.ts'
import { RecordCursor } from './record-cursor.ts'

/**
 * Types of control records (Kafka's `org.apache.kafka.common.record.internal.ControlRecordType`).
 */
export const controlTypes = {
  abort: 0,
  commit: 1,
  leaderChange: 2,
  snapshotHeader: 3,
  snapshotFooter: 4,
  kraftVersion: 5,
  kraftVoters: 6,
} as const

/** The marker that ends a transaction in one partition. */
export interface TransactionMarker {
  readonly kind: 'commit' | 'abort'
  /** Epoch of the transaction coordinator; a marker with an older one is refused. */
  readonly coordinatorEpoch: number
}

const schemaVersion = 0

export function controlKey(type: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(schemaVersion, 0)
  key.writeInt16BE(type, 2)
  return key
}

export interface ControlRecord {
  /** One of `controlTypes`. */
  readonly type: number
  readonly value: Buffer
}

/** Returns the first record of a control batch; null if its format is unknown. */
export function readControlRecord(batch: Batch): ControlRecord | null {
  return readControlRecords(batch, 1)[0] ?? null
}

/**
 * Returns the records of a control batch up to the first with an unknown format; batches of the
 * raft layer have several.
 */
export function readControlRecords(batch: Batch, countMax = batch.recordCount): ControlRecord[] {
  const records: ControlRecord[] = []
  if (batch.codec !== codecs.none) return records
  const cursor = new RecordCursor(batch.payload)
  while (records.length < Math.min(countMax, batch.recordCount)) {
    cursor.next()
    const [key, value] = [cursor.key(), cursor.value()]
    if (key === null || value === null || key.length < 4) break
    records.push({ type: key.readInt16BE(2), value })
  }
  return records
}

/** Returns the marker of a control batch; null if it does not end a transaction. */
export function readTransactionMarker(batch: Batch): TransactionMarker | null {
  const record = readControlRecord(batch)
  if (record === null || record.value.length < 6) return null
  if (record.type !== controlTypes.commit && record.type !== controlTypes.abort) return null
  return {
    kind: record.type === controlTypes.commit ? 'commit' : 'abort',
    coordinatorEpoch: record.value.readInt32BE(2),
  }
}

/** Builds the control batch that ends the producer's transaction. */
export function writeTransactionMarker(options: {
  readonly producerId: number
  readonly producerEpoch: number
  readonly timestampMs: number
  readonly marker: TransactionMarker
}): Buffer {
  const value = Buffer.alloc(6)
  value.writeInt16BE(schemaVersion, 0)
  value.writeInt32BE(options.marker.coordinatorEpoch, 2)
  const key = controlKey(controlTypes[options.marker.kind])
  return writeBatch({
    records: [{ key, value, timestampMs: options.timestampMs }],
    producerId: options.producerId,
    producerEpoch: options.producerEpoch,
    isTransactional: true,
    isControl: true,
  })
}

/** Builds a control batch of the raft layer, without producer and transaction. */
export function writeControlBatch(options: {
  readonly records: readonly ControlRecord[]
  readonly timestampMs: number
  readonly leaderEpoch: number
  readonly baseOffset?: number
}): Buffer {
  const { timestampMs, leaderEpoch, baseOffset = 0 } = options
  return writeBatch({
    records: options.records.map(({ type, value }) => ({
      key: controlKey(type),
      value,
      timestampMs,
    })),
    baseOffset,
    leaderEpoch,
    isControl: true,
  })
}
