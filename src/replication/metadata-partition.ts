import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { ImageDelta } from '../metadata/delta.ts'
import { emptyImage, type Image, type QuorumMembers } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { encodeData } from '../protocol/codec.ts'
import { controlTypes, writeControlBatch } from '../protocol/records/control.ts'
import { writeBatch } from '../protocol/records/record.ts'
import { leaderChangeMessage } from '../protocol/stored/raft/leader-change-message.ts'
import type { Disk } from '../storage/disk.ts'
import type { Log } from '../storage/log.ts'
import { deleteOldSegments } from '../storage/retention.ts'
import { MetadataReplay } from './metadata-replay.ts'
import {
  listSnapshots,
  MetadataSnapshots,
  quorumRecords,
  removePartialSnapshots,
  type SnapshotLimits,
} from './metadata-snapshots.ts'
import { readQuorumState, writeQuorumState } from './quorum-state.ts'

export const metadataTopic = '__cluster_metadata'
/** The id that every cluster gives its metadata topic (`Uuid.METADATA_TOPIC_ID`). */
export const metadataTopicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

const readBytes = 1024 * 1024

export interface MetadataPartitionOptions {
  readonly log: Log
  readonly disk: Disk
  readonly nodeId: number
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: SnapshotLimits
  /** A `bootstrap.checkpoint` of a directory formatted before Kafka 4.4. */
  readonly legacyBootstrapPath: string
}

export interface OpenedMetadata {
  readonly partition: MetadataPartition
  readonly image: Image
  /**
   * What the directory was formatted with, to be written as the log's first records; null where the
   * log has begun, empty where the directory was not formatted by hand.
   */
  readonly bootstrapRecords: readonly MetadataRecord[] | null
}

/**
 * The metadata log of a cluster whose only voter is this process: it is leader from the start, in
 * an epoch above all before, and what is written is committed. A quorum takes this place later.
 */
export class MetadataPartition {
  private readonly log: Log
  private readonly clock: Clock
  private readonly snapshots: MetadataSnapshots
  readonly epoch: number

  private constructor(o: MetadataPartitionOptions, epoch: number) {
    const { log, clock, disk, logger, limits } = o
    this.log = log
    this.clock = clock
    this.epoch = epoch
    const trimmable = {
      get sizeBytes() {
        return log.segments.sizeBytes
      },
      trimTo: (offset: number) => this.trimTo(offset),
    }
    this.snapshots = new MetadataSnapshots({
      ...{ disk, clock, logger, limits },
      dir: log.dir,
      log: trimmable,
    })
  }

  /** Loads what the log and its newest snapshot say, and begins a new epoch. */
  static async open(o: MetadataPartitionOptions): Promise<OpenedMetadata> {
    const { log, disk, nodeId } = o
    const state = await readQuorumState(disk, log.dir)
    const epoch = Math.max(log.latestEpoch, state?.leaderEpoch ?? 0) + 1
    await removePartialSnapshots(disk, log.dir)
    const isNew = log.logEndOffset === 0
    const bootstrapRecords = isNew ? await formattedWith(o) : null
    const image = await loadImage(log, disk, epoch)
    const { quorum } = image
    const partition = new MetadataPartition(o, epoch)
    await writeQuorumState(
      disk,
      log.dir,
      { leaderId: nodeId, leaderEpoch: epoch },
      quorum.kraftVersion,
    )
    log.assignEpochStart(epoch, log.logEndOffset)
    await partition.announce(nodeId, quorum, isNew)
    return { partition, image, bootstrapRecords }
  }

  get nextOffset(): number {
    return this.log.logEndOffset
  }

  append(values: readonly Buffer[], o: { readonly isSynced: boolean }): Promise<void> {
    const timestampMs = this.clock.nowMs()
    const records = values.map((value) => ({ key: null, value, timestampMs }))
    return this.write(writeBatch({ records }), o.isSynced)
  }

  /** A new image is there: it may be time for a snapshot. */
  published(image: Image): void {
    this.snapshots.consider(image)
  }

  async close(): Promise<void> {
    await this.snapshots.settled()
    await this.log.close()
  }

  /** The first batch of every epoch names its leader (KIP-595); the log's first also who votes (KIP-853). */
  private announce(nodeId: number, quorum: QuorumMembers, isNew: boolean): Promise<void> {
    const { kraftVersion, voters } = quorum
    const directoryId = voters.find(({ voterId }) => voterId === nodeId)?.voterDirectoryId
    const self = {
      voterId: nodeId,
      ...(directoryId === undefined ? {} : { voterDirectoryId: directoryId }),
    }
    const version = Math.min(kraftVersion, 1)
    const value = encodeData(leaderChangeMessage, version, {
      version,
      leaderId: nodeId,
      voters: [self],
      grantingVoters: [self],
    })
    const records = [{ type: controlTypes.leaderChange, value }]
    return this.write(
      writeControlBatch({
        records: isNew ? [...records, ...quorumRecords(quorum)] : records,
        timestampMs: this.clock.nowMs(),
        leaderEpoch: this.epoch,
      }),
    )
  }

  private async trimTo(offset: number): Promise<void> {
    this.log.advanceLogStartOffset(offset)
    await deleteOldSegments(this.log, this.log.writtenOffset, this.clock.nowMs())
  }

  /** Metadata is few and dear: it is synced before it counts (Kafka's raft log does the same). */
  private async write(bytes: Buffer, isSynced = true): Promise<void> {
    const validated = { bytes, logAppendTimeMs: -1 }
    const { written } = this.log.append(validated, {
      leaderEpoch: this.epoch,
      origin: 'coordinator',
    })
    this.snapshots.noteAppended(bytes.length)
    await written
    if (isSynced) await this.log.flush()
  }
}

/** Replays the newest snapshot and all of the log behind it. */
async function loadImage(log: Log, disk: Disk, epoch: number): Promise<Image> {
  const delta = new ImageDelta(emptyImage)
  const replay = new MetadataReplay(delta)
  const snapshot = (await listSnapshots(disk, log.dir)).at(-1)
  let offset = log.logStartOffset
  if (snapshot !== undefined) {
    const bytes = await disk.readFile(snapshot.path)
    // Within a snapshot offsets count its own records; it stands for all below its end.
    await replay.batches(bytes!, snapshot.endOffset - 1)
    offset = Math.max(offset, snapshot.endOffset)
    if (offset > log.logEndOffset) await log.truncateFully(offset)
  }
  while (offset < log.logEndOffset) {
    const read = await log.read(offset, {
      maxBytes: readBytes,
      minOneBatch: true,
      upTo: log.logEndOffset,
    })
    if (read.bytes === 0) break
    await replay.batches(Buffer.concat(read.chunks), null)
    offset = read.nextOffset
  }
  return delta.apply(epoch)
}

/** The records that `format` left, in the snapshot of offset 0 or, before 4.4, in a file of its own. */
async function formattedWith({ log, disk, legacyBootstrapPath }: MetadataPartitionOptions) {
  const [first] = await listSnapshots(disk, log.dir)
  const isZero = first !== undefined && first.endOffset === 0
  const bytes = await disk.readFile(isZero ? first.path : legacyBootstrapPath)
  const records: MetadataRecord[] = []
  if (bytes === null) return records
  const replay = new MetadataReplay({
    quorum: emptyImage.quorum,
    replay: (record) => void records.push(record),
    skipTo: () => {},
  })
  await replay.batches(bytes, -1)
  return records
}
