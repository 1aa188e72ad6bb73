import { resourceTypes } from '../metadata/config/keys.ts'
import { type BrokerSettings, type Overrides, topicValue } from '../metadata/config/settings.ts'
import { emptyImage, type Image, overridesOf } from '../metadata/image.ts'
import type { LogConfig } from '../storage/log-config.ts'

/** The log settings of each topic, computed on first use and again when configs change. */
export class LogConfigs {
  private readonly settings: BrokerSettings
  private readonly made = new Map<string, LogConfig>()
  private image: Image = emptyImage

  constructor(settings: BrokerSettings) {
    this.settings = settings
  }

  /** Uses the configs of this image from now on. */
  follow(image: Image): void {
    if (image.configs !== this.image.configs) this.made.clear()
    this.image = image
  }

  of(topic: string): LogConfig {
    let config = this.made.get(topic)
    if (config === undefined) {
      const overrides = overridesOf(this.image, resourceTypes.topic, topic)
      config = overrides.size === 0 ? this.defaults() : logConfigOf(overrides, this.settings)
      this.made.set(topic, config)
    }
    return config
  }

  minInsyncReplicas(topic: string): number {
    const overrides = overridesOf(this.image, resourceTypes.topic, topic)
    return topicValue('min.insync.replicas', overrides, this.settings) as number
  }

  /** Shared by all topics without overrides; its key, the empty string, is no valid topic name. */
  private defaults(): LogConfig {
    let config = this.made.get('')
    if (config === undefined) {
      config = logConfigOf(new Map(), this.settings)
      this.made.set('', config)
    }
    return config
  }
}

/** @param overrides the topic's own settings; all others are the broker's. */
export function logConfigOf(overrides: Overrides, settings: BrokerSettings): LogConfig {
  const value = (name: string) => topicValue(name, overrides, settings)
  const number = (name: string) => value(name) as number
  const compressionType = value('compression.type') as LogConfig['compressionType']
  return {
    segmentBytes: number('segment.bytes'),
    segmentMs: number('segment.ms'),
    segmentJitterMs: number('segment.jitter.ms'),
    segmentIndexBytes: number('segment.index.bytes'),
    indexIntervalBytes: number('index.interval.bytes'),
    retentionBytes: number('retention.bytes'),
    retentionMs: number('retention.ms'),
    maxMessageBytes: number('max.message.bytes'),
    maxDecompressedMessageBytes: number('max.decompressed.message.bytes'),
    flushMessages: settings.bool('odradek.sync.before.ack') ? 1 : number('flush.messages'),
    flushMs: number('flush.ms'),
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    cleanupPolicy: value('cleanup.policy') as LogConfig['cleanupPolicy'],
    compressionType,
    compressionLevel: levelOf(compressionType, number),
    messageTimestampType: value('message.timestamp.type') as LogConfig['messageTimestampType'],
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
  }
}

function levelOf(
  type: LogConfig['compressionType'],
  number: (name: string) => number,
): number | null {
  return type === 'gzip' || type === 'lz4' || type === 'zstd'
    ? number(`compression.${type}.level`)
    : null
}
