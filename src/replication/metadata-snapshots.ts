import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Image, QuorumMembers } from '../metadata/image.ts'
import { imageRecords } from '../metadata/image-records.ts'
import { encodeMetadataRecord, type MetadataRecord } from '../metadata/records.ts'
import { encodeData } from '../protocol/codec.ts'
import { batchesIn } from '../protocol/records/batch.ts'
import {
  type ControlRecord,
  controlTypes,
  readControlRecord,
  writeControlBatch,
} from '../protocol/records/control.ts'
import { writeBatch } from '../protocol/records/record.ts'
import { kRaftVersionRecord } from '../protocol/stored/raft/k-raft-version-record.ts'
import { snapshotFooterRecord } from '../protocol/stored/raft/snapshot-footer-record.ts'
import { snapshotHeaderRecord } from '../protocol/stored/raft/snapshot-header-record.ts'
import { votersRecord } from '../protocol/stored/raft/voters-record.ts'
import type { Disk } from '../storage/disk.ts'

/** A file `<end offset>-<epoch>.checkpoint`: all that the metadata log said below its end offset. */
export interface SnapshotFile {
  readonly path: string
  readonly endOffset: number
  readonly epoch: number
  readonly sizeBytes: number
}

/** The snapshots in the metadata directory, oldest first. */
export async function listSnapshots(disk: Disk, dir: string): Promise<SnapshotFile[]> {
  const found: SnapshotFile[] = []
  for (const { name, size } of (await disk.list(dir)) ?? []) {
    const parts = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name)
    if (parts === null) continue
    const [endOffset, epoch] = [Number(parts[1]), Number(parts[2])]
    found.push({ path: `${dir}/${name}`, endOffset, epoch, sizeBytes: size })
  }
  return found.sort((a, b) => a.endOffset - b.endOffset)
}

/** Snapshots that were being written when the process ended are of no use to anybody. */
export async function removePartialSnapshots(disk: Disk, dir: string): Promise<void> {
  for (const { name } of (await disk.list(dir)) ?? []) {
    if (name.endsWith(partialSuffix)) await disk.remove(`${dir}/${name}`)
  }
}

const partialSuffix = '.checkpoint.part'
/** Records are put together in batches of about this size. */
const batchBytes = 512 * 1024

export function snapshotName(endOffset: number, epoch: number): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`
}

interface SnapshotContent {
  readonly epoch: number
  readonly timestampMs: number
  /** Of the last record of the log that it stands for. */
  readonly lastContainedLogTimestampMs: number
  readonly quorum: QuorumMembers
  readonly records: Iterable<MetadataRecord>
}

/** The batches of a snapshot: header, records, footer; offsets count its own records (KIP-630). */
export function* snapshotBatches(o: SnapshotContent): Generator<Buffer> {
  const { epoch: leaderEpoch, timestampMs } = o
  let baseOffset = 0
  const control = (records: readonly ControlRecord[]) => {
    const batch = writeControlBatch({ records, timestampMs, leaderEpoch, baseOffset })
    baseOffset += records.length
    return batch
  }
  const header = { version: 0, lastContainedLogTimestamp: o.lastContainedLogTimestampMs }
  yield control([
    { type: controlTypes.snapshotHeader, value: encodeData(snapshotHeaderRecord, 0, header) },
    ...quorumRecords(o.quorum),
  ])
  let values: Buffer[] = []
  let bytes = 0
  const batch = () => {
    const records = values.map((value) => ({ key: null, value, timestampMs }))
    const written = writeBatch({ records, leaderEpoch, baseOffset })
    baseOffset += values.length
    values = []
    bytes = 0
    return written
  }
  for (const record of o.records) {
    const value = encodeMetadataRecord(record)
    values.push(value)
    bytes += value.length
    if (bytes >= batchBytes) yield batch()
  }
  if (values.length > 0) yield batch()
  yield control([
    {
      type: controlTypes.snapshotFooter,
      value: encodeData(snapshotFooterRecord, 0, { version: 0 }),
    },
  ])
}

/** What the log itself says of its voters; nothing with static voters. */
export function quorumRecords({ kraftVersion, voters }: QuorumMembers): ControlRecord[] {
  if (kraftVersion === 0) return []
  const version = { version: 0, kRaftVersion: kraftVersion }
  const records = [
    { type: controlTypes.kraftVersion, value: encodeData(kRaftVersionRecord, 0, version) },
  ]
  if (voters.length === 0) return records
  const value = encodeData(votersRecord, 0, { version: 0, voters })
  return [...records, { type: controlTypes.kraftVoters, value }]
}

export interface SnapshotLimits {
  /** `metadata.log.max.record.bytes.between.snapshots` */
  readonly bytesBetweenMax: number
  /** `metadata.log.max.snapshot.interval.ms`; 0 for none by time. */
  readonly intervalMs: number
  /** `metadata.max.retention.bytes`; negative for no limit. */
  readonly retentionBytes: number
  /** `metadata.max.retention.ms`; negative for no limit. */
  readonly retentionMs: number
}

/** What is cut when snapshots make it superfluous. */
export interface TrimmableLog {
  readonly sizeBytes: number
  /** Gives up what stands below. */
  trimTo(offset: number): Promise<void>
}

/**
 * Writes snapshots of the image in the background when the log has grown enough or time has gone by
 * (Kafka's `SnapshotGenerator`), and cuts the log behind old ones (`KafkaRaftLog.maybeClean`).
 */
export class MetadataSnapshots {
  private readonly disk: Disk
  private readonly dir: string
  private readonly log: TrimmableLog
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly limits: SnapshotLimits
  private bytesSince = 0
  private lastMs: number
  private lastRecordMs: number
  private writing: Promise<void> | null = null

  constructor(o: {
    readonly disk: Disk
    readonly dir: string
    readonly log: TrimmableLog
    readonly clock: Clock
    readonly logger: Logger
    readonly limits: SnapshotLimits
  }) {
    this.disk = o.disk
    this.dir = o.dir
    this.log = o.log
    this.clock = o.clock
    this.logger = o.logger
    this.limits = o.limits
    this.lastMs = o.clock.monotonicMs()
    this.lastRecordMs = o.clock.nowMs()
  }

  /** Records of this size were appended. */
  noteAppended(bytes: number): void {
    this.bytesSince += bytes
    this.lastRecordMs = this.clock.nowMs()
  }

  /** A new image is there. Returns at once; one snapshot is written at a time. */
  consider(image: Image): void {
    const { bytesBetweenMax, intervalMs } = this.limits
    const isDue =
      this.bytesSince >= bytesBetweenMax ||
      (intervalMs > 0 && this.clock.monotonicMs() - this.lastMs >= intervalMs)
    if (!isDue || this.writing !== null) return
    this.bytesSince = 0
    this.lastMs = this.clock.monotonicMs()
    this.writing = this.write(image)
      .then(() => this.trim())
      .catch((error: Error) =>
        this.logger.error('a snapshot of the metadata could not be written', {
          error: error.message,
        }),
      )
      .finally(() => {
        this.writing = null
      })
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.writing
  }

  private async write(image: Image): Promise<void> {
    const { disk, dir } = this
    const path = `${dir}/${snapshotName(image.offset + 1, image.epoch)}`
    const partial = `${path}.part`
    await disk.remove(partial)
    const file = disk.file(partial)
    let position = 0
    const content = {
      epoch: image.epoch,
      timestampMs: this.clock.nowMs(),
      lastContainedLogTimestampMs: this.lastRecordMs,
      quorum: image.quorum,
      records: imageRecords(image),
    }
    // Each write lets others have their turn: an image can be large.
    for (const batch of snapshotBatches(content)) {
      await file.write([batch], position)
      position += batch.length
    }
    await file.sync()
    await file.close()
    await disk.rename(partial, path)
    await disk.syncDirectory(dir)
  }

  /** The newest snapshot stays; an older one goes, with the log below the next, when it is too old or much. */
  private async trim(): Promise<void> {
    const { retentionMs, retentionBytes } = this.limits
    const snapshots = await listSnapshots(this.disk, this.dir)
    let sizeBytes = snapshots.reduce((sum, one) => sum + one.sizeBytes, this.log.sizeBytes)
    for (const [i, snapshot] of snapshots.slice(0, -1).entries()) {
      const next = snapshots[i + 1]!
      const isTooMuch = retentionBytes >= 0 && sizeBytes > retentionBytes
      if (!isTooMuch) {
        if (retentionMs < 0) return
        const takenMs = await snapshotTimeMs(this.disk, snapshot)
        if (takenMs === null || this.clock.nowMs() - takenMs <= retentionMs) return
      }
      const before = this.log.sizeBytes
      await this.log.trimTo(next.endOffset)
      await this.disk.remove(snapshot.path)
      sizeBytes -= snapshot.sizeBytes + (before - this.log.sizeBytes)
    }
  }
}

/** When the last record that a snapshot stands for was written; null for one without a header. */
async function snapshotTimeMs(disk: Disk, { path }: SnapshotFile): Promise<number | null> {
  const bytes = await disk.readFile(path)
  for (const batch of batchesIn(bytes ?? Buffer.alloc(0))) {
    const record = batch.isControl ? readControlRecord(batch) : null
    const isHeader = record?.type === controlTypes.snapshotHeader && record.value.length >= 10
    return isHeader ? Number(record.value.readBigInt64BE(2)) : null
  }
  return null
}
