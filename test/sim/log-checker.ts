import type { Batch } from '../../src/protocol/records/batch.ts'
import { LeaderEpochs } from '../../src/storage/epochs.ts'
import type { Log } from '../../src/storage/log.ts'
import { Producers } from '../../src/storage/producers.ts'
import { readAll } from '../storage/logs.ts'
import type { Ledger } from './log-workload.ts'

/**
 * Returns the faults of a log after a crash, compared with the batches that the ledger recorded.
 *
 * @param mustHave everything below this offset.
 * @param mayHaveGaps whether batches above it may be missing before others, between two segments.
 */
export async function faultsOf(
  log: Log,
  ledger: Ledger,
  mustHave: number,
  mayHaveGaps = false,
): Promise<string[]> {
  const faults: string[] = []
  const { logStartOffset, logEndOffset } = log
  if (logEndOffset < mustHave) faults.push(`ends at ${logEndOffset}, ${mustHave} was promised`)
  if (logStartOffset > ledger.start) {
    faults.push(`starts at ${logStartOffset}, only ${ledger.start} was asked for`)
  }
  const found = await readAll(log)
  const gaps = mayHaveGaps ? gapsOf(log, found, mustHave) : []
  const isLost = (offset: number) => gaps.some(({ from, to }) => offset >= from && offset < to)
  const expected = ledger.batches.filter(
    (batch) =>
      batch.nextOffset > logStartOffset &&
      batch.baseOffset < logEndOffset &&
      !isLost(batch.baseOffset),
  )
  expected.forEach((batch, i) => {
    const same = found[i]?.slice.equals(batch.bytes) ?? false
    if (!same) faults.push(`batch ${batch.baseOffset} is not what was appended`)
  })
  if (found.length !== expected.length) {
    faults.push(`${found.length} batches instead of ${expected.length}`)
  }
  faults.push(...(await indexFaults(log)))
  // Batches lost between two segments may still be in a snapshot or an epoch checkpoint that was
  // written when a segment was created.
  const starts = log.segments.all.map(({ baseOffset }) => baseOffset)
  const possible = (gaps.length === 0 ? [0] : [0, ...starts, logEndOffset]).map((knownBelow) =>
    ledger.batches.filter(
      ({ baseOffset: offset }) => offset < logEndOffset && (offset < knownBelow || !isLost(offset)),
    ),
  )
  // If nothing was lost to a file, the surviving batches decide.
  if (gaps.length > 0) possible.push(expected)
  for (const check of [producerFaults, epochFaults]) {
    const found = possible.map((batches) => check(log, batches))
    if (found.every(({ length }) => length > 0)) faults.push(...found[0]!)
  }
  return faults
}

/** Offsets where records are missing between two segments, from `mustHave` on. */
function gapsOf(log: Log, found: readonly Batch[], mustHave: number) {
  const starts = new Set(log.segments.all.map(({ baseOffset }) => baseOffset))
  const gaps: { from: number; to: number }[] = []
  let from = log.logStartOffset
  for (const { baseOffset, nextOffset } of found) {
    if (baseOffset > from && from >= mustHave && starts.has(baseOffset)) {
      gaps.push({ from, to: baseOffset })
    }
    from = nextOffset
  }
  if (log.logEndOffset > from && from >= mustHave) gaps.push({ from, to: log.logEndOffset })
  return gaps
}

/** Every index entry must point to the start of a batch. */
async function indexFaults(log: Log): Promise<string[]> {
  const faults: string[] = []
  for (const segment of log.segments.all) {
    const { offset, time } = await segment.loadIndexes(log.config.indexIntervalBytes)
    const batches = new Map<number, Batch>()
    for await (const { batch, position } of segment.walk()) batches.set(position, batch)
    const at = (entry: Buffer, byte: number) => entry.readInt32BE(byte)
    const offsets = offset.toBytes()
    for (let i = 0; i < offsets.length; i += 8) {
      const batch = batches.get(at(offsets, i + 4))
      if (batch?.lastOffset !== segment.baseOffset + at(offsets, i)) {
        faults.push(`${segment.log.path}: offset index entry ${i / 8}`)
      }
    }
    const ends = new Set([...batches.values()].map((batch) => batch.lastOffset))
    const times = time.toBytes()
    for (let i = 0; i < times.length; i += 12) {
      if (!ends.has(segment.baseOffset + at(times, i + 8))) {
        faults.push(`${segment.log.path}: time index entry ${i / 12}`)
      }
    }
  }
  return faults
}

/** Compares the producer state of a log with the state computed from its batches. */
function producerFaults(log: Log, batches: Ledger['batches']): string[] {
  const producers = new Producers(log.name)
  for (const batch of batches) if (batch.hasProducerId) producers.apply(batch)
  const sorted = (of: Producers) =>
    JSON.stringify(of.summaries().sort((a, b) => a.producerId - b.producerId))
  const [known, right] = [sorted(log.producers), sorted(producers)]
  return known === right ? [] : [`producers ${known} instead of ${right}`]
}

/** Compares the leader epochs of a log with those computed from its batches. */
function epochFaults(log: Log, batches: Ledger['batches']): string[] {
  const epochs = new LeaderEpochs()
  for (const batch of batches) epochs.assign(batch.leaderEpoch, batch.baseOffset)
  const shown = (of: LeaderEpochs) => {
    of.truncateStart(log.logStartOffset)
    return JSON.stringify(of.all.filter(({ startOffset }) => startOffset < log.logEndOffset))
  }
  const [known, right] = [shown(log.epochs), shown(epochs)]
  return known === right ? [] : [`epochs ${known} instead of ${right}`]
}
