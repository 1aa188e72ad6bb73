import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import { ImageDelta } from '../metadata/delta.ts'
import { emptyImage, type Image, type QuorumMembers } from '../metadata/image.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import { encodeData } from '../protocol/codec.ts'
import { controlTypes, writeControlBatch } from '../protocol/records/control.ts'
import { writeBatch } from '../protocol/records/record.ts'
import { leaderChangeMessage } from '../protocol/stored/raft/leader-change-message.ts'
import { DamagedFile } from '../storage/damaged-file.ts'
import { type Disk, DiskError } from '../storage/disk.ts'
import type { Log } from '../storage/log.ts'
import { deleteOldSegments } from '../storage/retention.ts'
import type { SnapshotId } from './follower-position.ts'
import { MetadataReplay, targetOf } from './metadata-replay.ts'
import { MetadataSnapshots, type SnapshotLimits } from './metadata-snapshots.ts'
import type { ReplicaKey } from './observers.ts'
import { QuorumLeader } from './quorum-leader.ts'
import { quorumRecords, type VoterEndpoints, withEndpoints } from './quorum-records.ts'
import { readQuorumState, writeQuorumState } from './quorum-state.ts'
import { listSnapshots, readSnapshot, removePartialSnapshots } from './snapshot-file.ts'

export const metadataTopic = '__cluster_metadata'
/** The id of the metadata topic in every cluster (Kafka's `Uuid.METADATA_TOPIC_ID`). */
export const metadataTopicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

/** The last epoch after which there can be another (int32). */
export const epochMax = 2 ** 31 - 2

const readBytes = 1024 * 1024

/** Kafka 4.4 reads this version, whatever the record says (`ControlRecordUtils`). */
const leaderChangeVersion = 0

/**
 * Limits of a batch, as in Kafka's controller: a client's request fits into one and is carried out
 * whole or not at all; what a broker's end changes may need more. Offsets and lengths of records
 * come on top of the bytes.
 */
const batchRecordsMax = 10_000
const batchBytesMax = 7 * 1024 * 1024

export interface MetadataPartitionOptions {
  readonly log: Log
  readonly disk: Disk
  readonly nodeId: number
  /** Of the directory that holds the log. */
  readonly directoryId: string
  /** Where other nodes reach this voter; empty if that is not known. */
  readonly endpoints: VoterEndpoints
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: SnapshotLimits
  /** A `bootstrap.checkpoint` in a directory formatted before Kafka 4.4. */
  readonly legacyBootstrapPath: string
}

export interface OpenedMetadata {
  readonly partition: MetadataPartition
  readonly image: Image
  /**
   * Records written by formatting, to be appended first; null if the log is not empty, an empty
   * array if the directory was not formatted explicitly.
   */
  readonly bootstrapRecords: readonly MetadataRecord[] | null
}

/**
 * The metadata log of a cluster in which this process is the only voter. It leads from the start,
 * in an epoch above all earlier ones, and every synced record is committed. To be replaced by a
 * quorum later.
 */
export class MetadataPartition {
  private readonly log: Log
  private readonly disk: Disk
  private readonly clock: Clock
  readonly snapshots: MetadataSnapshots
  /** This node's answers to those who follow the log. */
  readonly leader: QuorumLeader
  /** This node as a voter. */
  readonly self: ReplicaKey
  private currentEpoch: number
  private lastWrite: Promise<void> = Promise.resolve()

  private constructor(options: MetadataPartitionOptions, epoch: number) {
    const { log, clock, disk, logger, limits, nodeId, directoryId } = options
    this.log = log
    this.disk = disk
    this.self = { id: nodeId, directoryId }
    this.clock = clock
    this.currentEpoch = epoch
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
    this.leader = new QuorumLeader({
      ...{ nodeId, log, clock, logger },
      epoch: () => this.currentEpoch,
      highWatermark: log.logStartOffset,
      snapshots: () => this.snapshots.all.filter((one) => one.endOffset >= log.logStartOffset),
    })
  }

  /** Loads the newest snapshot and the log, and begins a new epoch. */
  static async open(options: MetadataPartitionOptions): Promise<OpenedMetadata> {
    const { log, disk } = options
    const state = await readQuorumState(disk, log.dir)
    const epoch = Math.max(log.latestEpoch, state?.leaderEpoch ?? 0) + 1
    await removePartialSnapshots(disk, log.dir)
    const isNew = log.logEndOffset === 0
    const bootstrapRecords = isNew ? await formattedWith(options) : null
    const image = await loadImage(log, disk, epoch)
    const partition = new MetadataPartition(options, epoch)
    const quorum = withEndpoints(image.quorum, partition.self, options.endpoints)
    await partition.snapshots.load()
    await partition.saveEpoch(quorum)
    await partition.announce(quorum, isNew || quorum !== image.quorum)
    return { partition, image: { ...image, quorum }, bootstrapRecords }
  }

  get nextOffset(): number {
    return this.log.logEndOffset
  }

  get epoch(): number {
    return this.currentEpoch
  }

  /** The epoch of the last record, and the offset behind it. */
  get end(): SnapshotId {
    return { endOffset: this.log.logEndOffset, epoch: this.log.latestEpoch }
  }

  get logStartOffset(): number {
    return this.log.logStartOffset
  }

  /** Whether nodes in other processes follow, which are to see even an idle log move. */
  get isFollowedRemotely(): boolean {
    return this.leader.isFollowedRemotely
  }

  /**
   * Begins an epoch above `epoch`, as a lone voter does that hears of a later one: it is elected
   * again by itself.
   * @param epoch at least the current one and at most `epochMax`.
   * @throws (rejects) DiskError
   */
  async leadAbove(epoch: number, quorum: QuorumMembers): Promise<void> {
    this.currentEpoch = epoch + 1
    const announced = this.announce(quorum, false)
    await Promise.all([this.saveEpoch(quorum), announced])
  }

  append(values: readonly Buffer[], options: { readonly isSynced: boolean }): Promise<void> {
    const timestampMs = this.clock.nowMs()
    const written = batchesOf(values).map((batch) => {
      const records = batch.map((value) => ({ key: null, value, timestampMs }))
      return this.write(writeBatch({ records }), options.isSynced)
    })
    return Promise.all(written).then(() => {})
  }

  /** Handles a new image: a snapshot may be due. */
  published(image: Image): void {
    this.snapshots.consider(image)
  }

  async close(): Promise<void> {
    this.leader.close()
    await this.snapshots.settled()
    await this.log.close()
  }

  /**
   * Appends the first batch of an epoch, which names its leader (KIP-595).
   * @param hasNews whether it names the voters, too (KIP-853): they are not in the log yet, or this
   * one is reached elsewhere (Kafka's `LeaderState.appendStartOfEpochControlRecords`).
   */
  private announce(quorum: QuorumMembers, hasNews: boolean): Promise<void> {
    const { log, currentEpoch: leaderEpoch } = this
    const nodeId = this.self.id
    log.assignEpochStart(leaderEpoch, log.logEndOffset)
    const self = { voterId: nodeId }
    const value = encodeData(leaderChangeMessage, leaderChangeVersion, {
      version: leaderChangeVersion,
      leaderId: nodeId,
      voters: [self],
      grantingVoters: [self],
    })
    const records = [{ type: controlTypes.leaderChange, value }]
    return this.write(
      writeControlBatch({
        records: hasNews ? [...records, ...quorumRecords(quorum)] : records,
        timestampMs: this.clock.nowMs(),
        leaderEpoch,
      }),
    )
  }

  private saveEpoch({ kraftVersion }: QuorumMembers): Promise<void> {
    const state = { leaderId: this.self.id, leaderEpoch: this.currentEpoch }
    return writeQuorumState(this.disk, this.log.dir, state, kraftVersion)
  }

  private async trimTo(offset: number): Promise<void> {
    this.log.advanceLogStartOffset(offset)
    await deleteOldSegments(this.log, this.log.highWatermark.offset, this.clock.nowMs())
  }

  /**
   * Appends and syncs a batch: metadata is small but essential, and counts only once synced, as in
   * Kafka's raft log.
   */
  private async write(bytes: Buffer, isSynced = true): Promise<void> {
    const earlier = this.lastWrite
    const validated = { bytes, logAppendTimeMs: -1 }
    const { written } = this.log.append(validated, {
      leaderEpoch: this.currentEpoch,
      origin: 'coordinator',
    })
    const end = this.log.logEndOffset
    this.snapshots.noteAppended(bytes.length)
    const work = async () => {
      await written
      // One that is not synced must not commit an earlier one that still is to be.
      await (isSynced ? this.log.flush() : earlier)
      this.leader.commit(end, isSynced)
    }
    const done = work()
    this.lastWrite = done.catch(() => {})
    await done
  }
}

/** Splits records into batches that fit into the log; one that is larger is a batch of its own. */
function batchesOf(values: readonly Buffer[]): Buffer[][] {
  let batch: Buffer[] = []
  let bytes = 0
  const batches = [batch]
  for (const value of values) {
    const isFull = batch.length >= batchRecordsMax || bytes + value.length > batchBytesMax
    if (isFull && batch.length > 0) {
      batches.push((batch = []))
      bytes = 0
    }
    batch.push(value)
    bytes += value.length
  }
  return batches
}

/** Replays the newest snapshot and the log behind it. */
async function loadImage(log: Log, disk: Disk, epoch: number): Promise<Image> {
  const delta = new ImageDelta(emptyImage)
  const replay = new MetadataReplay(targetOf(() => delta))
  const snapshot = (await listSnapshots(disk, log.dir)).at(-1)
  let offset = log.logStartOffset
  if (snapshot !== undefined) {
    const bytes = await readSnapshot(disk, snapshot.path)
    // Offsets inside a snapshot count its own records; it replaces all log records below its end.
    await orDamaged(snapshot.path, () => replay.batches(bytes, snapshot.endOffset - 1))
    offset = Math.max(offset, snapshot.endOffset)
    if (offset > log.logEndOffset) await log.truncateFully(offset)
  }
  while (offset < log.logEndOffset) {
    const { path } = log.segments.holding(offset).log
    const limits = { maxBytes: readBytes, minOneBatch: true, upTo: log.logEndOffset }
    const from = offset
    const read = await orDamaged(path, async () => log.read(from, limits))
    // Continuing would lose the records here or behind this offset.
    if (read.bytes === 0) throw new DamagedFile(path, `nothing can be read at offset ${offset}`)
    await orDamaged(path, () => replay.batches(Buffer.concat(read.chunks), null))
    offset = read.nextOffset
  }
  return delta.apply(epoch)
}

/**
 * Reads the records that `format` wrote: to the snapshot of offset 0 or, before 4.4, to a file of
 * its own.
 */
async function formattedWith({ log, disk, legacyBootstrapPath }: MetadataPartitionOptions) {
  const [first] = await listSnapshots(disk, log.dir)
  const isZero = first !== undefined && first.endOffset === 0
  const path = isZero ? first.path : legacyBootstrapPath
  const records: MetadataRecord[] = []
  if (!isZero && (await disk.readFile(path)) === null) return records
  const bytes = await readSnapshot(disk, path)
  const replay = new MetadataReplay({
    quorum: emptyImage.quorum,
    replay: (record) => void records.push(record),
    skipTo: () => {},
  })
  await orDamaged(path, () => replay.batches(bytes, -1))
  return records
}

/**
 * Content with a valid checksum that cannot be replayed is from another program or a later release.
 */
async function orDamaged<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof DiskError) throw error
    throw new DamagedFile(path, messageOf(error))
  }
}
