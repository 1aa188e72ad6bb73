import type { QuorumMembers } from '../metadata/image.ts'
import { encodeMetadataRecord, type MetadataRecord } from '../metadata/records.ts'
import { encodeData } from '../protocol/codec.ts'
import { type Batch, batchesIn } from '../protocol/records/batch.ts'
import {
  type ControlRecord,
  controlTypes,
  readControlRecord,
  readControlRecords,
  writeControlBatch,
} from '../protocol/records/control.ts'
import { writeBatch } from '../protocol/records/record.ts'
import { snapshotFooterRecord } from '../protocol/stored/raft/snapshot-footer-record.ts'
import { snapshotHeaderRecord } from '../protocol/stored/raft/snapshot-header-record.ts'
import { DamagedFile } from '../storage/damaged-file.ts'
import type { Disk } from '../storage/disk.ts'
import { quorumRecords } from './quorum-records.ts'

/**
 * A file `<end offset>-<epoch>.checkpoint` with the state of the metadata log below its end offset.
 */
export interface SnapshotFile {
  readonly path: string
  readonly endOffset: number
  readonly epoch: number
  readonly sizeBytes: number
}

/** Lists the snapshots in the metadata directory, oldest first. */
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

/**
 * Reads a snapshot.
 *
 * @throws DamagedFile unless it is complete from header to footer and all checksums are valid: with
 * half a snapshot the cluster would lose topics.
 */
export async function readSnapshot(disk: Disk, path: string): Promise<Buffer> {
  const bytes = (await disk.readFile(path)) ?? Buffer.alloc(0)
  const problem = snapshotProblem(bytes)
  if (problem !== null) throw new DamagedFile(path, problem)
  return bytes
}

/** Returns why bytes are not a complete snapshot with valid checksums; null if they are. */
export function snapshotProblem(bytes: Buffer): string | null {
  let end = 0
  let last: Batch | null = null
  for (const batch of batchesIn(bytes)) {
    if (batch.magic !== 2 || !batch.isIntact()) break
    if (end === 0 && !holds(batch, controlTypes.snapshotHeader)) break
    end = batch.end
    last = batch
  }
  if (end < bytes.length) return `what stands at position ${end} is no intact batch of a snapshot`
  if (last === null || !holds(last, controlTypes.snapshotFooter)) {
    return 'it is cut off: a snapshot ends with a footer'
  }
  return null
}

const holds = (batch: Batch, type: number) =>
  batch.isControl && readControlRecords(batch).some((record) => record.type === type)

/** Removes snapshots whose writing was interrupted by the end of the process. */
export async function removePartialSnapshots(disk: Disk, dir: string): Promise<void> {
  for (const { name } of (await disk.list(dir)) ?? []) {
    if (name.endsWith(partialSuffix)) await disk.remove(`${dir}/${name}`)
  }
}

const partialSuffix = '.checkpoint.part'
/** Approximate size in bytes of a batch of records. */
const batchBytes = 512 * 1024

export function snapshotName(endOffset: number, epoch: number): string {
  return `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}.checkpoint`
}

interface SnapshotContent {
  readonly epoch: number
  readonly timestampMs: number
  /** Timestamp (ms) of the last log record that the snapshot covers. */
  readonly lastContainedLogTimestampMs: number
  readonly quorum: QuorumMembers
  readonly records: Iterable<MetadataRecord>
}

/** Yields the batches of a snapshot: header, records, footer. Offsets are its own (KIP-630). */
export function* snapshotBatches(options: SnapshotContent): Generator<Buffer> {
  const { epoch: leaderEpoch, timestampMs } = options
  let baseOffset = 0
  const control = (records: readonly ControlRecord[]) => {
    const batch = writeControlBatch({ records, timestampMs, leaderEpoch, baseOffset })
    baseOffset += records.length
    return batch
  }
  const header = { version: 0, lastContainedLogTimestamp: options.lastContainedLogTimestampMs }
  yield control([
    { type: controlTypes.snapshotHeader, value: encodeData(snapshotHeaderRecord, 0, header) },
    ...quorumRecords(options.quorum),
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
  for (const record of options.records) {
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

/** Returns the time (ms) of the last record that a snapshot covers; null without a header. */
export async function snapshotTimeMs(disk: Disk, { path }: SnapshotFile): Promise<number | null> {
  const bytes = await disk.readFile(path)
  for (const batch of batchesIn(bytes ?? Buffer.alloc(0))) {
    const record = batch.isControl ? readControlRecord(batch) : null
    const isHeader = record?.type === controlTypes.snapshotHeader && record.value.length >= 10
    return isHeader ? Number(record.value.readBigInt64BE(2)) : null
  }
  return null
}
