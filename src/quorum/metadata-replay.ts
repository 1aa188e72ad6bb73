import { endlessTurn, type Turns } from '../base/turns.ts'
import type { ImageDelta } from '../metadata/delta.ts'
import type { QuorumMembers } from '../metadata/image.ts'
import { decodeMetadataRecord, type MetadataRecord } from '../metadata/records.ts'
import { replayRecord } from '../metadata/replay-records.ts'
import { type Batch, batchesIn } from '../protocol/records/batch.ts'
import { readControlRecords } from '../protocol/records/control.ts'
import { readRecords } from '../protocol/records/record.ts'
import { Malformed } from '../protocol/schema.ts'
import { beginTransactionRecord } from '../protocol/stored/metadata/23-begin-transaction-record.ts'
import { endTransactionRecord } from '../protocol/stored/metadata/24-end-transaction-record.ts'
import { abortTransactionRecord } from '../protocol/stored/metadata/25-abort-transaction-record.ts'
import { withQuorumRecord } from './quorum-records.ts'

/** Receives the records. */
interface ReplayTarget {
  quorum: QuorumMembers
  replay(record: MetadataRecord, offset: number): void
  /** Advances past records that do not change the image. */
  skipTo(offset: number): void
}

/** Returns a target that collects the records in the delta of the moment. */
export function targetOf(delta: () => ImageDelta): ReplayTarget {
  return {
    get quorum() {
      return delta().quorum
    },
    set quorum(members) {
      delta().quorum = members
    },
    replay: (record, offset) => replayRecord(delta(), record, offset),
    skipTo: (offset) => delta().skipTo(offset),
  }
}

/** Number of records replayed between two checks of the clock. */
const recordsBetween = 64

/** Maximum number of records in a metadata transaction, which are in memory until its end. */
const transactionRecordsMax = 1_000_000

/**
 * Reads batches of the metadata log; holds the records of a metadata transaction (KIP-868) until
 * its end. The target is not advanced beyond the record before an open transaction.
 */
export class MetadataReplay {
  private readonly target: ReplayTarget
  private readonly turns: Turns
  private held: { record: MetadataRecord; offset: number }[] | null = null
  private hasRecords = false

  constructor(target: ReplayTarget, turns: Turns = endlessTurn) {
    this.target = target
    this.turns = turns
  }

  /** Whether a record of a controller was read, as opposed to control records and transactions. */
  get hasSeenRecord(): boolean {
    return this.hasRecords
  }

  /**
   * Replays batches in turns.
   *
   * @param fixedOffset the offset to use for every record; null for its own.
   * @throws (rejects) Malformed for a record that this release does not know, or in a place where
   * Kafka writes none; the target has then got a part of the records.
   */
  async batches(bytes: Buffer, fixedOffset: number | null): Promise<void> {
    for (const batch of batchesIn(bytes)) {
      if (batch.isControl) this.control(batch, fixedOffset)
      else await this.records(batch, fixedOffset)
    }
  }

  private control(batch: Batch, fixedOffset: number | null): void {
    const { target } = this
    const records = readControlRecords(batch)
    if (records.length < batch.recordCount) throw new Malformed('a control record of the quorum')
    for (const record of records) target.quorum = withQuorumRecord(target.quorum, record)
    if (this.held === null) target.skipTo(fixedOffset ?? batch.lastOffset)
  }

  private async records(batch: Batch, fixedOffset: number | null): Promise<void> {
    const { turns } = this
    for (const [i, { offset, key, value }] of (await readRecords(batch)).entries()) {
      if (i % recordsBetween === 0 && turns.isOver()) await turns.next()
      if (key !== null || value === null) {
        throw new Malformed(`the metadata record at offset ${offset} has a key or no value`)
      }
      this.one(decodeMetadataRecord(value), fixedOffset ?? offset)
    }
  }

  private one(record: MetadataRecord, offset: number): void {
    const { target, held } = this
    const { key, name } = record.of
    const isBegin = key === beginTransactionRecord.key
    const isEnd = key === endTransactionRecord.key || key === abortTransactionRecord.key
    if (isBegin && held !== null) {
      throw new Malformed(`${name} at offset ${offset} inside another metadata transaction`)
    }
    if (isEnd && held === null) {
      throw new Malformed(`${name} at offset ${offset} without a BeginTransactionRecord`)
    }
    if (isBegin) {
      this.held = []
      return
    }
    if (isEnd) {
      const isKept = key === endTransactionRecord.key
      for (const one of isKept ? held! : []) target.replay(one.record, one.offset)
      this.held = null
    } else {
      this.hasRecords = true
      if (held === null) target.replay(record, offset)
      else if (held.push({ record, offset }) > transactionRecordsMax) {
        throw new Malformed(`a metadata transaction of more than ${transactionRecordsMax} records`)
      }
    }
    if (this.held === null) target.skipTo(offset)
  }
}
