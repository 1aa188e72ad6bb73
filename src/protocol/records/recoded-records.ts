import type { Turns } from '../../base/turns.ts'
import { type Batch, batchHeaderBytes } from './batch.ts'
import type { PieceSink } from './pieces/piece-source.ts'
import { openSink } from './pieces/sinks.ts'
import type { RecordCursor } from './record-cursor.ts'
import { RecordWalk } from './record-walk.ts'
import { RecordWriter } from './record-writer.ts'

/** Position of a record in the new batch. */
export interface Place {
  readonly offsetDelta: number
  readonly timestampDelta: number
}

/** Uncompressed bytes that are collected before they are compressed. */
const pieceBytes = 64 * 1024

/** Copies records of a batch to a new batch, piece by piece. */
export class RecodedRecords {
  private readonly sink: PieceSink

  /** @param codec must be one of Kafka's codecs. */
  constructor(codec: number, level: number | undefined) {
    this.sink = openSink(codec, level)!
  }

  /** Copies the records for which `place` returns a position; it is called in record order. */
  async copy(
    batch: Batch,
    options: {
      readonly recordBytesMax: number
      readonly turns: Turns
      readonly place: (cursor: RecordCursor, index: number) => Place | null
    },
  ): Promise<void> {
    const { recordCount } = batch
    const { turns, recordBytesMax } = options
    const walk = new RecordWalk(batch.codec, batch.payload, { recordBytesMax, holds: true, turns })
    let writer = new RecordWriter(0)
    try {
      for (let i = 0; i < recordCount; i++) {
        const ready = walk.next()
        if (ready !== true) await ready
        const { cursor } = walk
        const place = options.place(cursor, i)
        if (place === null) continue
        const [key, value, headers] = [cursor.key(), cursor.value(), cursor.headers()]
        const record = { key, value, headers, timestampMs: 0 }
        writer.record(place.offsetDelta, place.timestampDelta, record)
        if (writer.length < pieceBytes) continue
        await this.sink.add(writer.take())
        writer = new RecordWriter(0)
        if (turns.isOver()) await turns.next()
      }
      if (writer.length > 0) await this.sink.add(writer.take())
    } finally {
      walk.close()
    }
  }

  /**
   * Returns the new batch; `writeHeader` writes its header when the records are already behind it.
   */
  async finish(writeHeader: (bytes: Buffer) => void): Promise<Buffer> {
    const payload = await this.sink.end()
    const bytes = Buffer.allocUnsafeSlow(batchHeaderBytes + payload.length)
    payload.copy(bytes, batchHeaderBytes)
    writeHeader(bytes)
    return bytes
  }
}
