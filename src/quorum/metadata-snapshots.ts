import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Image } from '../metadata/image.ts'
import { imageRecords } from '../metadata/image-records.ts'
import type { Disk } from '../storage/disk.ts'
import {
  listSnapshots,
  type SnapshotFile,
  snapshotBatches,
  snapshotName,
  snapshotTimeMs,
} from './snapshot-file.ts'

export interface SnapshotLimits {
  /** `metadata.log.max.record.bytes.between.snapshots` */
  readonly bytesBetweenMax: number
  /** `metadata.log.max.snapshot.interval.ms`; 0 disables snapshots by time. */
  readonly intervalMs: number
  /** `metadata.max.retention.bytes`; negative for no limit. */
  readonly retentionBytes: number
  /** `metadata.max.retention.ms`; negative for no limit. */
  readonly retentionMs: number
}

/** The log whose start is removed when snapshots make it redundant. */
export interface TrimmableLog {
  readonly sizeBytes: number
  /** Removes the records below `offset`. */
  trimTo(offset: number): Promise<void>
}

/**
 * Writes snapshots of the image in the background after enough bytes or time (Kafka's
 * `SnapshotGenerator`), and removes the log behind old ones (`KafkaRaftLog.maybeClean`).
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
  private files: readonly SnapshotFile[] = []

  constructor(options: {
    readonly disk: Disk
    readonly dir: string
    readonly log: TrimmableLog
    readonly clock: Clock
    readonly logger: Logger
    readonly limits: SnapshotLimits
  }) {
    this.disk = options.disk
    this.dir = options.dir
    this.log = options.log
    this.clock = options.clock
    this.logger = options.logger
    this.limits = options.limits
    this.lastMs = options.clock.monotonicMs()
    this.lastRecordMs = options.clock.nowMs()
  }

  /** Looks which snapshots there are; to be called once, before the others. */
  async load(): Promise<void> {
    this.files = await listSnapshots(this.disk, this.dir)
  }

  /** The complete snapshots, oldest first. */
  get all(): readonly SnapshotFile[] {
    return this.files
  }

  /** Counts appended records of this size. */
  noteAppended(bytes: number): void {
    this.bytesSince += bytes
    this.lastRecordMs = this.clock.nowMs()
  }

  /**
   * Starts a snapshot of a new image if one is due, without waiting. At most one is written at a
   * time.
   */
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

  /**
   * Reads a part of a snapshot, cut off anywhere.
   * @param position in bytes, within the file.
   * @throws (rejects) DiskError
   */
  async read(file: SnapshotFile, position: number, maxBytes: number): Promise<Buffer> {
    const open = this.disk.file(file.path)
    try {
      return await open.read(position, Math.min(maxBytes, file.sizeBytes - position))
    } finally {
      await open.close()
    }
  }

  /** Resolves when no snapshot is being written. */
  async settled(): Promise<void> {
    await this.writing
  }

  private async write(image: Image): Promise<void> {
    const { disk, dir } = this
    const { epoch } = image
    const endOffset = image.offset + 1
    const path = `${dir}/${snapshotName(endOffset, epoch)}`
    const partial = `${path}.part`
    await disk.remove(partial)
    const file = disk.file(partial)
    let position = 0
    const content = {
      epoch,
      timestampMs: this.clock.nowMs(),
      lastContainedLogTimestampMs: this.lastRecordMs,
      quorum: image.quorum,
      records: imageRecords(image),
    }
    // Each write is awaited, so that the event loop can run: an image may be large.
    try {
      for (const batch of snapshotBatches(content)) {
        await file.write([batch], position)
        position += batch.length
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(partial, path)
    await disk.syncDirectory(dir)
    this.files = [...this.files, { path, endOffset, epoch, sizeBytes: position }]
  }

  /**
   * Removes old snapshots, each with the log below the next one, if they are too old or too large.
   * The newest snapshot is kept.
   */
  private async trim(): Promise<void> {
    const { retentionMs, retentionBytes } = this.limits
    const snapshots = this.files
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
      // No follower is sent there any more before the log is shortened.
      this.files = this.files.filter((one) => one !== snapshot)
      await this.log.trimTo(next.endOffset)
      await this.disk.remove(snapshot.path)
      sizeBytes -= snapshot.sizeBytes + (before - this.log.sizeBytes)
    }
  }
}
