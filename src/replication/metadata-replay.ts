import type { QuorumMembers } from '../metadata/image.ts'
import { decodeMetadataRecord, type MetadataRecord } from '../metadata/records.ts'
import { decodeData } from '../protocol/codec.ts'
import { Reader } from '../protocol/reader.ts'
import { batchesIn } from '../protocol/records/batch.ts'
import { controlTypes, readControlRecords } from '../protocol/records/control.ts'
import { readRecords } from '../protocol/records/record.ts'
import { kRaftVersionRecord } from '../protocol/stored/raft/k-raft-version-record.ts'
import { votersRecord } from '../protocol/stored/raft/voters-record.ts'

const beginTransaction = 23
const endTransaction = 24
const abortTransaction = 25

/** What records are fed to: an `ImageDelta`. */
interface ReplayTarget {
  quorum: QuorumMembers
  replay(record: MetadataRecord, offset: number): void
  /** Moves past records that say nothing to the image. */
  skipTo(offset: number): void
}

/** Reads batches of the metadata log; records of a metadata transaction (KIP-868) wait for its end. */
export class MetadataReplay {
  private readonly target: ReplayTarget
  private held: { record: MetadataRecord; offset: number }[] | null = null

  constructor(target: ReplayTarget) {
    this.target = target
  }

  /** @param fixedOffset what every record counts as; null for its own offset. */
  async batches(bytes: Buffer, fixedOffset: number | null): Promise<void> {
    for (const batch of batchesIn(bytes)) {
      if (batch.isControl) {
        for (const { type, value } of readControlRecords(batch)) this.control(type, value)
        this.target.skipTo(fixedOffset ?? batch.lastOffset)
        continue
      }
      for (const { offset, value } of await readRecords(batch)) {
        if (value !== null) this.one(decodeMetadataRecord(value), fixedOffset ?? offset)
      }
    }
  }

  private control(type: number, value: Buffer): void {
    const { target } = this
    const reader = new Reader(value)
    if (type === controlTypes.kraftVersion) {
      const { kRaftVersion: kraftVersion } = decodeData(kRaftVersionRecord, 0, reader)
      target.quorum = { ...target.quorum, kraftVersion }
    } else if (type === controlTypes.kraftVoters) {
      const { voters } = decodeData(votersRecord, 0, reader)
      target.quorum = { ...target.quorum, voters }
    }
  }

  private one(record: MetadataRecord, offset: number): void {
    const { key } = record.of
    if (key === beginTransaction) this.held = []
    else if (key === abortTransaction) this.held = null
    else if (key === endTransaction) {
      for (const one of this.held ?? []) this.target.replay(one.record, one.offset)
      this.held = null
    } else if (this.held !== null) this.held.push({ record, offset })
    else this.target.replay(record, offset)
    this.target.skipTo(offset)
  }
}
