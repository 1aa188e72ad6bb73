import { Batch, batchesIn } from '../../protocol/records/batch.ts'
import type { OffsetAndEpoch } from '../../quorum/observer/followed-log.ts'
import type { CommittedSink } from '../../quorum/observer/raft-observer.ts'
import { batchToJson, type Json } from '../decode/describe.ts'
import { readMetadata } from '../decode/log-file.ts'
import { fieldLines } from '../decode/render.ts'

/** Writes text; resolves when more can be taken. */
export type Write = (text: string) => Promise<void>

type JsonObject = { readonly [name: string]: Json }

/** Prints the records of the metadata log and of snapshots, each with its fields. */
export class LogPrinter implements CommittedSink {
  private readonly write: Write
  private readonly isJson: boolean

  constructor(write: Write, isJson: boolean) {
    this.write = write
    this.isJson = isJson
  }

  async committed(batches: readonly Buffer[]): Promise<void> {
    for (const bytes of batches) {
      const batch = new Batch(bytes)
      for (const { offset, ...record } of await recordsOf(batch)) {
        await this.print({ offset: offset!, epoch: batch.leaderEpoch, ...record })
      }
    }
  }

  async snapshot({ endOffset, epoch }: OffsetAndEpoch, bytes: Buffer): Promise<void> {
    await this.print({ snapshot: { endOffset, epoch } })
    for (const batch of batchesIn(bytes)) {
      // Offsets inside of a snapshot count its own records.
      for (const { offset: _, ...record } of await recordsOf(batch)) await this.print(record)
    }
  }

  private print(record: JsonObject): Promise<void> {
    return this.write(`${this.isJson ? JSON.stringify(record) : textOf(record)}\n`)
  }
}

/** Returns the records of a batch as flat objects: offset, timestamp, type, version, fields. */
async function recordsOf(batch: Batch): Promise<JsonObject[]> {
  const { records, problem } = (await batchToJson(batch, readMetadata)) as JsonObject
  if (records === undefined) return [{ offset: batch.baseOffset, problem: problem ?? 'damaged' }]
  return (records as readonly JsonObject[]).map(({ offset, timestamp, control, value }) => {
    const start = { offset: offset!, timestamp: timestamp! }
    if (control !== undefined) return { ...start, control, data: value! }
    const isRead = value !== null && typeof value === 'object' && 'type' in value!
    return isRead ? { ...start, ...(value as JsonObject) } : { ...start, value: value! }
  })
}

/** Returns a line with the kind of a record, and one for each of its fields. */
function textOf({ offset, epoch, timestamp: _, ...record }: JsonObject): string {
  const { type, version, control, data, ...others } = record
  const where = offset === undefined ? [] : [`${offset}`, `epoch ${epoch}`]
  const kind = type === undefined ? (control === undefined ? [] : [`${control}`]) : [`${type}`]
  const words = [...where, ...kind, ...(version === undefined ? [] : [`v${version}`])]
  const fields = data !== null && typeof data === 'object' ? (data as JsonObject) : others
  return [words.join(' '), ...fieldLines(fields, '  ')].filter((line) => line !== '').join('\n')
}
