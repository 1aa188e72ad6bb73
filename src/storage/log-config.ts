import { int64Max } from '../base/int64.ts'
import type { CodecName } from '../protocol/records/batch.ts'

/** The topic settings that a log uses; names and defaults are those of Kafka's `LogConfig`. */
export interface LogConfig {
  /** `segment.bytes` */
  readonly segmentBytes: number
  /** `segment.ms`: a segment is closed when its records span more. */
  readonly segmentMs: number
  /** `segment.jitter.ms` */
  readonly segmentJitterMs: number
  /** `segment.index.bytes` */
  readonly segmentIndexBytes: number
  /** `index.interval.bytes` */
  readonly indexIntervalBytes: number
  /** `retention.bytes`; -1 for no limit. */
  readonly retentionBytes: number
  /** `retention.ms`; -1 for no limit. */
  readonly retentionMs: number
  /** `max.message.bytes`: the largest batch. */
  readonly maxMessageBytes: number
  /** `max.decompressed.message.bytes`: the largest record of a compressed batch. */
  readonly maxDecompressedMessageBytes: number
  /** `flush.messages` */
  readonly flushMessages: number
  /** `flush.ms` */
  readonly flushMs: number
  /** `file.delete.delay.ms` */
  readonly fileDeleteDelayMs: number
  /** `cleanup.policy` */
  readonly cleanupPolicy: readonly ('delete' | 'compact')[]
  /** `compression.type` */
  readonly compressionType: 'producer' | 'uncompressed' | Exclude<CodecName, 'none'>
  /** `compression.gzip.level`, `compression.zstd.level`; null takes the codec's default. */
  readonly compressionLevel: number | null
  /** `message.timestamp.type` */
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  /** `message.timestamp.before.max.ms` */
  readonly messageTimestampBeforeMaxMs: number
  /** `message.timestamp.after.max.ms` */
  readonly messageTimestampAfterMaxMs: number
  /** `min.cleanable.dirty.ratio` */
  readonly minCleanableDirtyRatio: number
  /** `delete.retention.ms`: how long a tombstone is kept after the records it deletes. */
  readonly deleteRetentionMs: number
  /** `min.compaction.lag.ms` */
  readonly minCompactionLagMs: number
  /** `max.compaction.lag.ms` */
  readonly maxCompactionLagMs: number
}

const hourMs = 60 * 60 * 1000

export const logConfigDefaults: LogConfig = {
  segmentBytes: 2 ** 30,
  segmentMs: 168 * hourMs,
  segmentJitterMs: 0,
  segmentIndexBytes: 10 * 1024 * 1024,
  indexIntervalBytes: 4096,
  retentionBytes: -1,
  retentionMs: 168 * hourMs,
  maxMessageBytes: 1_048_588,
  maxDecompressedMessageBytes: 2_147_483_639,
  flushMessages: int64Max,
  flushMs: int64Max,
  fileDeleteDelayMs: 60_000,
  cleanupPolicy: ['delete'],
  compressionType: 'producer',
  compressionLevel: null,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: int64Max,
  messageTimestampAfterMaxMs: hourMs,
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: 24 * hourMs,
  minCompactionLagMs: 0,
  maxCompactionLagMs: int64Max,
}
