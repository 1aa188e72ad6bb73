import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { brokerSettings } from '../../fuzz/directories/base.ts'
import {
  cleanMark,
  damaged,
  damagesOf,
  type Files,
  shown,
  writeFiles,
} from '../../fuzz/directories/damage.ts'
import { type Look, lookAt } from '../../fuzz/directories/look.ts'
import { live, wholeDirectory } from '../../fuzz/directories/target.ts'
import { Dice } from '../../fuzz/mutate.ts'
import { systemClock } from '../../src/base/clock.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { firstSeeds } from '../seeded.ts'
import { differencesOf, knownDifference } from './damaged-differences.ts'
import { DirectoryOpener } from './kafka/directory-opener.ts'
import { isLongForm } from './long-form.ts'

const count = isLongForm ? 200 : 12
/** A run of 200 takes up to an hour: `FROM-TO` runs a part of it, or a single directory. */
const [from, to] = (process.env.ODRADEK_COMPAT_FROM_TO ?? `0-${count}`).split('-').map(Number)
/** Kafka serves requests before its partitions have leaders: temporary errors are retried. */
const patienceMs = 8_000
const isSettling = (look: Look) =>
  [...look.partitions.values()].some(({ error }) => /NOT_LEADER|UNKNOWN_TOPIC/.test(error)) ||
  [...look.groups.values()].some((found) => /COORDINATOR/.test(found))

function touchedOf(before: Files, after: Files): string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])]
  return paths.filter((path) => after.get(path)?.equals(before.get(path) ?? nothing) !== true)
}
const nothing = Buffer.alloc(0)

/**
 * odradek and Apache Kafka open the same damaged directories: both start or both refuse, and show
 * the same.
 */
describe.skipIf(inject('javaMissing') !== null)('damaged directories', () => {
  let opener: DirectoryOpener | null = null
  afterAll(() => opener?.close())

  async function inKafka(files: Files, starts: ReadonlyMap<string, readonly number[]>) {
    const dir = join(mkdtempSync(join(tmpdir(), 'damaged-')), 'data')
    await writeFiles(new NodeDisk(), dir, files)
    opener ??= await DirectoryOpener.start()
    const opened = await opener.open(dir, brokerSettings)
    let look: Look | null = null
    if ('port' in opened) {
      const untilMs = performance.now() + patienceMs
      do {
        // A broker that has lost its directory may stop during the requests.
        look = await lookAt(opened.port, starts).catch(() => null)
        if (look !== null && isSettling(look)) await new Promise((done) => setTimeout(done, 300))
      } while (look !== null && isSettling(look) && performance.now() < untilMs)
    }
    if (look !== null) await opener.stop()
    else {
      // Threads of a failed start stay alive: the next broker needs a new JVM.
      await opener.close()
      opener = null
    }
    rmSync(join(dir, '..'), { recursive: true, force: true })
    return look
  }

  /**
   * The first, a middle and the last segment of each log, also of a transactional and a compacted
   * one.
   */
  const removed = { 'plain-0': 0, 'plain-1': 10, 'packed-0': 75, 'paid-0': 17, 'keyed-0': 15 }
  const stems = Object.entries(removed).map(
    ([name, start]) => `${name}/${String(start).padStart(20, '0')}.`,
  )
  const stops: Record<string, readonly string[]> = {
    'in order': [],
    'by a crash': [cleanMark],
    'by a crash, and recovered from their start': [cleanMark, 'recovery-point-offset-checkpoint'],
  }
  test.each(Object.entries(stops))(
    'logs that lack a segment with all its files, stopped %s',
    async (_, gone) => {
      const { files, starts } = await wholeDirectory()
      const changed = new Map(files)
      for (const path of files.keys()) {
        const isOfSegment = stems.some((stem) => path.startsWith(stem))
        if (gone.includes(path) || isOfSegment) changed.delete(path)
      }
      const disk = new MemoryDisk(systemClock.nowMs)
      await writeFiles(disk, '/data', changed)
      const ours = await live(disk, starts)
      expect(differencesOf(ours.look, await inKafka(changed, starts))).toEqual([])
      const { partitions } = ours.look!
      const shown = [...partitions].map(([, { start, end, records }]) => [start, end, records.size])
      expect(shown).toEqual([
        [10, 40, 30],
        [0, 40, 30],
        [0, 75, 75],
        [0, 34, 22],
        [0, 60, 45],
      ])
      // A compacted log may have gaps, and after a crash the checkpoints of start offsets may be
      // old.
      const told = ['plain-1', 'paid-0', ...(gone.length === 0 ? ['plain-0'] : [])]
      if (gone.length < 2) told.push('packed-0')
      for (const name of told) {
        expect(
          ours.lines.filter((line) => line.includes(`"${name}"`)),
          name,
        ).toHaveLength(1)
      }
      expect(ours.lines).toHaveLength(told.length)
    },
    300_000,
  )

  test.each(firstSeeds(1, 20_261_130))(
    `${count} of them (ODRADEK_SEED=%d)`,
    async (seed) => {
      const { files, starts } = await wholeDirectory()
      const dice = new Dice(seed)
      const found: string[] = []
      let known = 0
      for (let i = 0; i < to!; i++) {
        const damages = damagesOf(dice.bytes(dice.oneOf([9, 9, 17])), files)
        if (i < from!) continue
        const changed = damaged(files, damages)
        const disk = new MemoryDisk(systemClock.nowMs)
        await writeFiles(disk, '/data', changed)
        const ours = await live(disk, starts)
        const theirs = await inKafka(changed, starts)
        const differences = differencesOf(ours.look, theirs)
        if (differences.length === 0) continue
        const isTold = ours.lines.some((line) => line.includes('a segment is damaged'))
        const reason = knownDifference(touchedOf(files, changed), ours.look, theirs, isTold)
        if (reason === null)
          found.push(
            `${i}: ${shown(damages)}\n  ${differences.join('\n  ')}\n  ${ours.lines.join('\n  ')}`,
          )
        else known++
        process.stdout.write(
          `${i}: ${shown(damages)}: ${reason ?? 'NOT KNOWN'}\n  ${differences.slice(0, 4).join('\n  ')}\n`,
        )
      }
      process.stdout.write(`directories ${from} to ${to}, ${known} differ for a known reason\n`)
      expect(found).toEqual([])
    },
    3_600_000,
  )
})
