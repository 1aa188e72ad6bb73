import type { Clock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import type { Random } from '../../src/base/random.ts'
import { Batch } from '../../src/protocol/records/batch.ts'
import { type BatchToWrite, readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import type { ReadLimits } from '../../src/storage/batch-read.ts'
import type { Log } from '../../src/storage/log.ts'
import { type LogConfig, logConfigDefaults } from '../../src/storage/log-config.ts'
import type { LogOptions } from '../../src/storage/log-contract.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { seededWords } from '../seeded.ts'

/** A clock that a test advances; timers fire when it passes them. */
export class ManualClock implements Clock {
  private now: number
  private timers: { atMs: number; ring: () => void }[] = []

  constructor(nowMs = 1_700_000_000_000) {
    this.now = nowMs
  }

  nowMs = () => this.now
  monotonicMs = () => this.now

  after(delayMs: number, ring: () => void) {
    const timer = { atMs: this.now + delayMs, ring }
    this.timers.push(timer)
    return {
      clear: () => {
        this.timers = this.timers.filter((each) => each !== timer)
      },
    }
  }

  advance(ms: number): void {
    this.now += ms
    const due = this.timers.filter((timer) => timer.atMs <= this.now)
    this.timers = this.timers.filter((timer) => timer.atMs > this.now)
    for (const timer of due) timer.ring()
  }
}

/** The same sequence for the same seed. */
export function seededRandom(seed: number): Random {
  const next = seededWords(seed)
  return {
    int: (below) => next() % below,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 0xff)),
  }
}

export function logOptions(o: Partial<LogOptions> & { settings?: Partial<LogConfig> }): LogOptions {
  const clock = o.clock ?? new ManualClock()
  const config = { ...logConfigDefaults, ...o.settings }
  return {
    disk: new MemoryDisk(clock.nowMs),
    dir: '/data/t-0',
    name: 't-0',
    config: () => config,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    tailCacheBudget: new TailCacheBudget(0),
    recoveryPoint: 0,
    logStartOffset: 0,
    cleanShutdown: false,
    ...o,
  }
}

/** A batch of `count` small records, as a client sends it. */
export function batchOf(
  count: number,
  o: Partial<BatchToWrite> & { bytes?: number; at?: number } = {},
) {
  const records = Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`key-${i}`),
    value: Buffer.alloc(o.bytes ?? 20, i),
    timestampMs: (o.at ?? 1_700_000_000_000) + i,
  }))
  return writeBatch({ records, ...o })
}

export function append(log: Log, bytes: Buffer, leaderEpoch = 0) {
  return log.append({ bytes, logAppendTimeMs: -1 }, { leaderEpoch, origin: 'client' })
}

export async function readAll(
  log: Log,
  limits: Partial<ReadLimits> = {},
  from = log.logStartOffset,
) {
  const batches: Batch[] = []
  for (let offset = from; ; ) {
    const found = await log.read(offset, {
      maxBytes: 1024 * 1024,
      upTo: Number.POSITIVE_INFINITY,
      minOneBatch: true,
      ...limits,
    })
    if (found.bytes === 0) return batches
    const bytes = Buffer.concat(found.chunks)
    for (let at = 0; at < bytes.length; at = batches.at(-1)!.end) batches.push(new Batch(bytes, at))
    offset = found.nextOffset
  }
}

export async function readValues(log: Log): Promise<(string | null)[]> {
  const records = await Promise.all((await readAll(log)).map((batch) => readRecords(batch)))
  return records.flat().map((record) => record.value?.toString() ?? null)
}
