import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { ImageDelta } from '../metadata/delta.ts'
import { emptyImage, type Image } from '../metadata/image.ts'
import { decodeMetadataRecord, type MetadataRecord } from '../metadata/records.ts'
import { encodeData } from '../protocol/codec.ts'
import { batchesIn } from '../protocol/records/batch.ts'
import { controlTypes, writeControlBatch } from '../protocol/records/control.ts'
import { readRecords, writeBatch } from '../protocol/records/record.ts'
import { leaderChangeMessage } from '../protocol/stored/raft/leader-change-message.ts'
import type { Disk } from '../storage/disk.ts'
import type { Log } from '../storage/log.ts'
import { newestSnapshot } from './metadata-snapshots.ts'
import { readQuorumState, writeQuorumState } from './quorum-state.ts'

export const metadataTopic = '__cluster_metadata'
/** The id that every cluster gives its metadata topic (`Uuid.METADATA_TOPIC_ID`). */
export const metadataTopicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

const readBytes = 1024 * 1024

/**
 * The metadata log of a cluster whose only voter is this process: it is leader from the start, in
 * an epoch above all before, and what is written is committed. A quorum takes this place later.
 */
export class MetadataPartition {
  private readonly log: Log
  private readonly clock: Clock
  readonly epoch: number

  private constructor(log: Log, clock: Clock, epoch: number) {
    this.log = log
    this.clock = clock
    this.epoch = epoch
  }

  /** Loads what the log and its newest snapshot say, and begins a new epoch. */
  static async open(o: {
    readonly log: Log
    readonly disk: Disk
    readonly nodeId: number
    readonly clock: Clock
    readonly logger: Logger
  }): Promise<{ partition: MetadataPartition; image: Image }> {
    const { log, disk, nodeId, clock } = o
    const state = await readQuorumState(disk, log.dir)
    const epoch = Math.max(log.latestEpoch, state?.leaderEpoch ?? 0) + 1
    const image = await loadImage(log, disk, epoch)
    await writeQuorumState(disk, log.dir, { leaderId: nodeId, leaderEpoch: epoch })
    log.assignEpochStart(epoch, log.logEndOffset)
    const partition = new MetadataPartition(log, clock, epoch)
    await partition.announce(nodeId)
    return { partition, image }
  }

  get nextOffset(): number {
    return this.log.logEndOffset
  }

  append(values: readonly Buffer[]): Promise<void> {
    const timestampMs = this.clock.nowMs()
    const records = values.map((value) => ({ key: null, value, timestampMs }))
    return this.write(writeBatch({ records }))
  }

  close(): Promise<void> {
    return this.log.close()
  }

  /** The first batch of every epoch names its leader (KIP-595). */
  private announce(nodeId: number): Promise<void> {
    const self = { voterId: nodeId }
    const value = encodeData(leaderChangeMessage, 0, {
      version: 0,
      leaderId: nodeId,
      voters: [self],
      grantingVoters: [self],
    })
    return this.write(
      writeControlBatch({
        type: controlTypes.leaderChange,
        value,
        timestampMs: this.clock.nowMs(),
        leaderEpoch: this.epoch,
      }),
    )
  }

  /** Metadata is few and dear: it is synced before it counts (Kafka's raft log does the same). */
  private async write(bytes: Buffer): Promise<void> {
    const validated = { bytes, logAppendTimeMs: -1 }
    const { written } = this.log.append(validated, {
      leaderEpoch: this.epoch,
      origin: 'coordinator',
    })
    await written
    await this.log.flush()
  }
}

/** Replays the newest snapshot and all of the log behind it. */
async function loadImage(log: Log, disk: Disk, epoch: number): Promise<Image> {
  const delta = new ImageDelta(emptyImage)
  const replay = new Replay(delta)
  const snapshot = await newestSnapshot(disk, log.dir)
  let offset = log.logStartOffset
  if (snapshot !== null) {
    const bytes = await disk.readFile(snapshot.path)
    // Within a snapshot offsets count its own records; it stands for all below its end.
    await replay.batches(bytes!, snapshot.endOffset - 1)
    offset = Math.max(offset, snapshot.endOffset)
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

const beginTransaction = 23
const endTransaction = 24
const abortTransaction = 25

/** Feeds batches to a delta; records of a metadata transaction (KIP-868) wait for its end. */
class Replay {
  private readonly delta: ImageDelta
  private held: { record: MetadataRecord; offset: number }[] | null = null

  constructor(delta: ImageDelta) {
    this.delta = delta
  }

  /** @param fixedOffset what every record counts as; null for its own offset. */
  async batches(bytes: Buffer, fixedOffset: number | null): Promise<void> {
    for (const batch of batchesIn(bytes)) {
      if (batch.isControl) {
        this.delta.skipTo(fixedOffset ?? batch.lastOffset)
        continue
      }
      for (const { offset, value } of await readRecords(batch)) {
        if (value !== null) this.one(decodeMetadataRecord(value), fixedOffset ?? offset)
      }
    }
  }

  private one(record: MetadataRecord, offset: number): void {
    const { key } = record.of
    if (key === beginTransaction) this.held = []
    else if (key === abortTransaction) this.held = null
    else if (key === endTransaction) {
      for (const one of this.held ?? []) this.delta.replay(one.record, one.offset)
      this.held = null
    } else if (this.held !== null) this.held.push({ record, offset })
    else this.delta.replay(record, offset)
    this.delta.skipTo(offset)
  }
}
