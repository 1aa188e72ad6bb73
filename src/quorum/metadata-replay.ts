import type { ImageDelta } from '../metadata/delta.ts'
import type { QuorumMembers } from '../metadata/image.ts'
import { decodeMetadataRecord, type MetadataRecord } from '../metadata/records.ts'
import { replayRecord } from '../metadata/replay-records.ts'
import { batchesIn } from '../protocol/records/batch.ts'
import { readControlRecords } from '../protocol/records/control.ts'
import { readRecords } from '../protocol/records/record.ts'
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

/** Returns a target that collects the records in a delta. */
export function targetOf(delta: ImageDelta): ReplayTarget {
  return {
    get quorum() {
      return delta.quorum
    },
    set quorum(members) {
      delta.quorum = members
    },
    replay: (record, offset) => replayRecord(delta, record, offset),
    skipTo: (offset) => delta.skipTo(offset),
  }
}

/**
 * Reads batches of the metadata log; holds the records of a metadata transaction (KIP-868) until
 * its end.
 */
export class MetadataReplay {
  private readonly target: ReplayTarget
  private held: { record: MetadataRecord; offset: number }[] | null = null

  constructor(target: ReplayTarget) {
    this.target = target
  }

  /** @param fixedOffset the offset to use for every record; null for its own. */
  async batches(bytes: Buffer, fixedOffset: number | null): Promise<void> {
    const { target } = this
    for (const batch of batchesIn(bytes)) {
      if (batch.isControl) {
        for (const record of readControlRecords(batch)) {
          target.quorum = withQuorumRecord(target.quorum, record)
        }
        target.skipTo(fixedOffset ?? batch.lastOffset)
        continue
      }
      for (const { offset, value } of await readRecords(batch)) {
        if (value !== null) this.one(decodeMetadataRecord(value), fixedOffset ?? offset)
      }
    }
  }

  private one(record: MetadataRecord, offset: number): void {
    const { key } = record.of
    if (key === beginTransactionRecord.key) this.held = []
    else if (key === abortTransactionRecord.key) this.held = null
    else if (key === endTransactionRecord.key) {
      for (const one of this.held ?? []) this.target.replay(one.record, one.offset)
      this.held = null
    } else if (this.held !== null) this.held.push({ record, offset })
    else this.target.replay(record, offset)
    this.target.skipTo(offset)
  }
}
