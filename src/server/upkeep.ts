import type { BrokerSettings } from '../metadata/config/settings.ts'
import { Compaction } from '../storage/compaction.ts'
import { Housekeeping } from '../storage/housekeeping.ts'
import type { LogDir } from '../storage/log-dir.ts'
import type { SharedRooms } from './shared-rooms.ts'

/** Periodic background work on a broker's logs. */
export interface Upkeep {
  stop(): Promise<void>
}

export function startUpkeep(
  settings: BrokerSettings,
  dirs: readonly LogDir[],
  rooms: SharedRooms,
): Upkeep[] {
  return [housekeeping(settings, dirs, rooms), compaction(settings, dirs, rooms)]
}

function compaction(
  statics: BrokerSettings,
  dirs: readonly LogDir[],
  { clock, logger, random, turns }: SharedRooms,
): Compaction {
  const settings = {
    isEnabled: statics.bool('log.cleaner.enable'),
    backoffMs: statics.int('log.cleaner.backoff.ms'),
    keyBytesMax: statics.int('log.cleaner.dedupe.buffer.size'),
    bytesPerSecondMax: () => statics.int('log.cleaner.io.max.bytes.per.second'),
  }
  return new Compaction({ clock, logger, random, turns, dirs, settings })
}

function housekeeping(
  settings: BrokerSettings,
  dirs: readonly LogDir[],
  { clock, logger, turns }: SharedRooms,
): Housekeeping {
  const ms = (name: string) => settings.int(name)
  const intervals = {
    initialDelayMs: ms('log.initial.task.delay.ms'),
    retentionCheckMs: ms('log.retention.check.interval.ms'),
    flushCheckMs: ms('log.flush.scheduler.interval.ms'),
    checkpointMs: Math.min(
      ms('log.flush.offset.checkpoint.interval.ms'),
      ms('log.flush.start.offset.checkpoint.interval.ms'),
      ms('replica.high.watermark.checkpoint.interval.ms'),
    ),
    producerCheckMs: ms('producer.id.expiration.check.interval.ms'),
    producerExpirationMs: ms('producer.id.expiration.ms'),
  }
  return new Housekeeping({ clock, logger, turns, dirs, intervals })
}
