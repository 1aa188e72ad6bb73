import { endlessTurn } from '../../src/base/turns.ts'
import { Batch } from '../../src/protocol/records/batch.ts'
import { writeTransactionMarker } from '../../src/protocol/records/control.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import type { FaultDisk, Loss } from '../../src/sim/fault-disk.ts'
import { cleanLog } from '../../src/storage/cleaner.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { ManualClock, readAll, seededRandom } from '../storage/logs.ts'
import { honest } from './crash-log.ts'
import { openOn } from './log-workload.ts'

const settings: Partial<LogConfig> = {
  cleanupPolicy: ['compact'],
  segmentBytes: 1_200,
  indexIntervalBytes: 150,
  deleteRetentionMs: 50,
  fileDeleteDelayMs: 100,
  flushMessages: 1,
}

/** The newest acknowledged value of each key, and the values in flight. */
class Promised {
  readonly newest = new Map<string, string | null>()
  readonly inFlight = new Map<string, Set<string | null>>()
  end = 0
}

async function live(disk: FaultDisk, seed: number, promised: Promised): Promise<void> {
  const random = seededRandom(seed)
  const clock = new ManualClock()
  let { dir, log } = await openOn(disk, random, settings, clock)
  let firstDirty = 0
  let sequence = 0
  for (let i = 0; i < 60; i++) {
    clock.advance(random.int(20))
    const what = random.int(12)
    if (what < 9) {
      const key = `k${random.int(8)}`
      const value = random.int(4) === 0 ? null : `${i}`
      const records = [
        {
          key: Buffer.from(key),
          value: value === null ? null : Buffer.from(value.padEnd(40)),
          timestampMs: clock.nowMs(),
        },
      ]
      const isTransactional = random.int(5) === 0
      const o = { producerId: isTransactional ? 2 : 1, producerEpoch: 0, isTransactional }
      const bytes = writeBatch({ records, ...o, baseSequence: isTransactional ? -1 : sequence++ })
      const waiting = promised.inFlight.get(key) ?? new Set()
      promised.inFlight.set(key, waiting.add(value))
      const appended = log.append(
        { bytes, logAppendTimeMs: -1 },
        { leaderEpoch: 0, origin: isTransactional ? 'coordinator' : 'client' },
      )
      await appended.written
      if (isTransactional) {
        const marker = { kind: 'commit', coordinatorEpoch: 0 } as const
        const end = writeTransactionMarker({ ...o, timestampMs: clock.nowMs(), marker })
        await log.append(
          { bytes: end, logAppendTimeMs: -1 },
          { leaderEpoch: 0, origin: 'coordinator' },
        ).written
      }
      promised.end = log.writtenOffset
      promised.newest.set(key, value)
      promised.inFlight.delete(key)
    } else if (what < 11) {
      const upTo = log.segments.active.baseOffset
      if (upTo > firstDirty) {
        const o = { keyBytesMax: 1 << 20, random, turns: endlessTurn, nowMs: clock.nowMs() }
        firstDirty = (await cleanLog(log, firstDirty, upTo, o)).endOffset
        await dir.saveCleanerOffset('t-0', firstDirty)
      }
    } else {
      await dir.close(1)
      ;({ dir, log } = await openOn(disk, random, settings, clock))
      firstDirty = dir.cleanerOffset('t-0')
    }
  }
}

export async function crashCompaction(
  seed: number,
  crashAt: number,
  loss: Loss,
  makeDisk = honest,
) {
  const disk = makeDisk(seededRandom(seed * 1_000 + crashAt))
  disk.crashAt = crashAt
  const promised = new Promised()
  const hasEnded = await live(disk, seed, promised).then(
    () => true,
    () => false,
  )
  for (let i = 0; i < 50; i++) await Promise.resolve()
  const left = disk.after(loss)
  const { dir, log } = await openOn(left, seededRandom(seed), settings)
  const faults: string[] = []
  if (log.logEndOffset < promised.end) {
    faults.push(`ends at ${log.logEndOffset}, ${promised.end} was promised`)
  }
  const found = new Map<string, string | null>()
  let last = -1
  for (const batch of await readAll(log)) {
    if (batch.baseOffset <= last) faults.push(`offset ${batch.baseOffset} after ${last}`)
    last = batch.lastOffset
    if (batch.isControl) continue
    for (const { key, value } of await readRecords(new Batch(batch.bytes, batch.start))) {
      found.set(key!.toString(), value?.toString().trim() ?? null)
    }
  }
  for (const [key, value] of promised.newest) {
    const now = found.get(key) ?? null
    if (now !== value && promised.inFlight.get(key)?.has(now) !== true) {
      faults.push(`${key} is ${now}, ${value} was promised`)
    }
  }
  await dir.close(1)
  return { faults, hasEnded }
}
