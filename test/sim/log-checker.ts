import type { Batch } from '../../src/protocol/records/batch.ts'
import { LeaderEpochs } from '../../src/storage/epochs.ts'
import type { Log } from '../../src/storage/log.ts'
import { Producers } from '../../src/storage/producers.ts'
import { readAll } from '../storage/logs.ts'
import type { Ledger } from './log-workload.ts'

/** What is wrong with a log after a crash, given what it had promised; empty if nothing is. */
export async function faultsOf(log: Log, ledger: Ledger, mustHave: number): Promise<string[]> {
  const faults: string[] = []
  const { logStartOffset, logEndOffset } = log
  if (logEndOffset < mustHave) faults.push(`ends at ${logEndOffset}, ${mustHave} was promised`)
  if (logStartOffset > ledger.start) {
    faults.push(`starts at ${logStartOffset}, only ${ledger.start} was asked for`)
  }
  const expected = ledger.batches.filter(
    (batch) => batch.nextOffset > logStartOffset && batch.baseOffset < logEndOffset,
  )
  const found = await readAll(log)
  expected.forEach((batch, i) => {
    const same = found[i]?.slice.equals(batch.bytes) ?? false
    if (!same) faults.push(`batch ${batch.baseOffset} is not what was appended`)
  })
  if (found.length !== expected.length) {
    faults.push(`${found.length} batches instead of ${expected.length}`)
  }
  return [...faults, ...(await indexFaults(log)), ...stateFaults(log, ledger)]
}

/** Every index entry must name a batch where it stands. */
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

/** What the log knows of producers and epochs must be what its batches say. */
function stateFaults(log: Log, ledger: Ledger): string[] {
  const { batches } = ledger
  const producers = new Producers(log.name)
  const epochs = new LeaderEpochs()
  for (const batch of batches.filter((each) => each.baseOffset < log.logEndOffset)) {
    epochs.assign(batch.leaderEpoch, batch.baseOffset)
    if (batch.hasProducerId) producers.apply(batch)
  }
  epochs.truncateStart(log.logStartOffset)
  const sorted = (of: Producers) =>
    JSON.stringify(of.summaries().sort((a, b) => a.producerId - b.producerId))
  const faults: string[] = []
  if (sorted(log.producers) !== sorted(producers)) {
    faults.push(`producers ${sorted(log.producers)} instead of ${sorted(producers)}`)
  }
  log.epochs.truncateStart(log.logStartOffset)
  const known = log.epochs.all.filter(({ startOffset }) => startOffset < log.logEndOffset)
  const right = epochs.all.filter(({ startOffset }) => startOffset < log.logEndOffset)
  if (JSON.stringify(known) !== JSON.stringify(right)) {
    faults.push(`epochs ${JSON.stringify(known)} instead of ${JSON.stringify(right)}`)
  }
  return faults
}
