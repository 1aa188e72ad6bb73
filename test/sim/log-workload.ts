import { silentLogger } from '../../src/base/logger.ts'
import type { Random } from '../../src/base/random.ts'
import { Batch } from '../../src/protocol/records/batch.ts'
import { writeTransactionMarker } from '../../src/protocol/records/control.ts'
import type { FaultDisk } from '../../src/sim/fault-disk.ts'
import type { Log } from '../../src/storage/log.ts'
import { type LogConfig, logConfigDefaults } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { deleteOldSegments } from '../../src/storage/retention.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { batchOf, ManualClock } from '../storage/logs.ts'

export const topicId = '9_JW0W0IQa6H2T4pN7eEKw'

/** The calls to the log and its promises, for the checker. */
export class Ledger {
  /** Every batch with offsets, as it was appended. */
  readonly batches: Batch[] = []
  /** All offsets below it were acknowledged as written. */
  acknowledged = 0
  /** All offsets below it were reported as synced. */
  durable = 0
  /** The highest log start offset that was requested. */
  start = 0
}

export interface Opened {
  readonly dir: LogDir
  readonly log: Log
}

export async function openOn(
  disk: FaultDisk,
  random: Random,
  settings: Partial<LogConfig>,
  clock = new ManualClock(),
): Promise<Opened> {
  const config = { ...logConfigDefaults, ...settings }
  const dir = await LogDir.open(
    {
      disk,
      path: '/data',
      nodeId: 1,
      clock,
      random,
      logger: silentLogger,
      tailCacheBudget: new TailCacheBudget(2_000),
    },
    null,
    () => random.bytes(16).toString('base64url').slice(0, 22),
  )
  return { dir, log: await dir.openLog('t-0', { topicId, config: () => config }) }
}

/**
 * The workload of one partition: idempotent and transactional appends, rolls, flushes, checkpoints,
 * retention, DeleteRecords, stops and starts. Ends after `length` steps, or with the disk's error.
 */
export async function live(
  disk: FaultDisk,
  random: Random,
  settings: Partial<LogConfig>,
  length: number,
  ledger: Ledger,
): Promise<void> {
  const clock = new ManualClock()
  let { dir, log } = await openOn(disk, random, settings, clock)
  const sequences = new Map<number, number>()
  const open = new Set<number>()
  let leaderEpoch = 0
  const add = (bytes: Buffer, origin: 'client' | 'coordinator') => {
    const { lastOffset, written } = log.append(
      { bytes, logAppendTimeMs: -1 },
      { leaderEpoch, origin },
    )
    ledger.batches.push(new Batch(Buffer.from(bytes)))
    void Promise.resolve(written).then(
      () => {
        ledger.acknowledged = Math.max(ledger.acknowledged, lastOffset + 1)
        ledger.durable = Math.max(ledger.durable, log.flushedOffset)
      },
      () => {},
    )
    return written
  }
  const produce = (producerId: number, isTransactional: boolean) => {
    const count = 1 + random.int(4)
    const baseSequence = sequences.get(producerId) ?? 0
    sequences.set(producerId, baseSequence + count)
    if (isTransactional) open.add(producerId)
    const o = { producerId, producerEpoch: 0, baseSequence, isTransactional, at: clock.nowMs() }
    return add(batchOf(count, { ...o, bytes: random.int(120) }), 'client')
  }
  const end = (producerId: number) => {
    open.delete(producerId)
    const kind = random.int(2) === 0 ? 'abort' : 'commit'
    const marker = { kind, coordinatorEpoch: 0 } as const
    return add(
      writeTransactionMarker({ producerId, producerEpoch: 0, timestampMs: clock.nowMs(), marker }),
      'coordinator',
    )
  }
  for (let i = 0; i < length; i++) {
    clock.advance(random.int(100))
    const what = random.int(40)
    if (what < 20) {
      const written = produce(1 + random.int(3), false)
      if (random.int(3) === 0) await written
    } else if (what < 25) await produce(10 + random.int(2), true)
    else if (what < 29) await Promise.all([...open].slice(0, 1).map(end))
    else if (what < 31) leaderEpoch++
    else if (what < 33) {
      await log.flush()
      ledger.durable = Math.max(ledger.durable, log.flushedOffset)
    } else if (what < 34) log.roll()
    else if (what < 36) await dir.checkpoint()
    else if (what < 37) {
      ledger.start = Math.max(ledger.start, random.int(log.writtenOffset + 1))
      log.advanceLogStartOffset(ledger.start)
    } else if (what < 38) {
      ledger.start = Math.max(ledger.start, log.writtenOffset)
      await deleteOldSegments(log, log.writtenOffset, clock.nowMs())
      ledger.start = log.logStartOffset
    } else if (what < 39) {
      await dir.close(1)
      if (!log.isOffline) ledger.durable = Math.max(ledger.durable, log.logEndOffset)
      ;({ dir, log } = await openOn(disk, random, settings, clock))
    }
  }
}
