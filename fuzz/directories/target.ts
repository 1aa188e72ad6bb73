import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import type { LogFields, Logger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { Batch, batchSizeAt } from '../../src/protocol/records/batch.ts'
import { Assembly } from '../../src/server/assembly.ts'
import { isOperatorError } from '../../src/server/operator-error.ts'
import { Compaction } from '../../src/storage/compaction.ts'
import type { Disk } from '../../src/storage/disk.ts'
import { logConfigDefaults } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { Dice } from '../mutate.ts'
import { claim, type Target } from '../target.ts'
import { brokerSettings, buildDirectory, compactedTopics, topics } from './base.ts'
import {
  type Damages,
  damaged,
  damagesOf,
  type Files,
  readFiles,
  shown,
  writeFiles,
} from './damage.ts'
import { type Found, type Look, lookAt } from './look.ts'

/** The folder on a real disk for the damaged directories; undefined to use memory. */
const folder = process.env.ODRADEK_FUZZ_DIR
const dir = folder === undefined ? '/data' : join(folder, `directory-${process.pid}`)
const newDisk = () => (folder === undefined ? new MemoryDisk(systemClock.nowMs) : new NodeDisk())
const cleaningsMax = 20

/** The intact directory, and the data that a client reads from it. */
export interface Whole {
  readonly files: Files
  readonly look: Look
  /** The base offsets of each partition's segments. */
  readonly starts: ReadonlyMap<string, readonly number[]>
}

export const partitionNames = Object.entries(topics).flatMap(([topic, count]) =>
  Array.from({ length: count }, (_, index) => `${topic}-${index}`),
)

async function makeWhole(): Promise<Whole> {
  const disk = newDisk()
  await buildDirectory(disk, dir)
  const files = await readFiles(disk, dir)
  const starts = new Map(partitionNames.map((name) => [name, startsOf(files, name)]))
  const life = await live(disk, starts)
  await disk.remove(dir)
  claim(life.look !== null && life.lines.length === 0, `the whole directory: ${life.lines.join()}`)
  return { files, look: life.look!, starts }
}

function startsOf(files: Files, partition: string): number[] {
  const paths = [...files.keys()].filter((path) => path.startsWith(`${partition}/`))
  return paths.filter((path) => path.endsWith('.log')).map((path) => Number(path.slice(-24, -4)))
}

let made: Promise<Whole> | undefined
export function wholeDirectory(): Promise<Whole> {
  made ??= makeWhole()
  return made
}

interface Life {
  /** Null if the broker did not start, or halted. */
  readonly look: Look | null
  readonly lines: readonly string[]
}

/** Starts a broker, reads all data and stops it. Collects the log lines. */
export async function live(disk: Disk, starts: Whole['starts']): Promise<Life> {
  const { lines, wrong, logger } = collector()
  let isHalted = false
  const onHalt = () => void (isHalted = true)
  let broker: Assembly
  try {
    broker = await Assembly.build({
      ...{ disk, dataDir: dir, port: 0, settings: brokerSettings, onHalt },
      ...{ logger, clock: systemClock, random: systemRandom },
    })
  } catch (error) {
    const { message, stack } = error as Error
    claim(isOperatorError(error), `the start fails with ${stack}`)
    claim(!message.includes('\n'), `the start is refused in more than a line: ${message}`)
    return { look: null, lines: [...lines, `refused: ${message}`] }
  }
  try {
    if (isHalted) return { look: null, lines }
    const look = await lookAt(broker.addressesOf(1)[0]!.port, starts)
    return { look: isHalted ? null : look, lines }
  } finally {
    await broker.close()
    claim(wrong.length === 0, `the log says ${wrong[0]}`)
  }
}

/** Collects the broker's log lines; `wrong` are those of its own bugs, not of the directory. */
function collector(): { lines: string[]; wrong: string[]; logger: Logger } {
  const lines: string[] = []
  const wrong: string[] = []
  const take = (message: string, fields: LogFields = {}) => {
    const line = `${message} ${JSON.stringify(fields)}`
    lines.push(line)
    if (/\\n +at |(Type|Range|Reference|Syntax)Error/.test(line)) wrong.push(line)
  }
  return { lines, wrong, logger: { debug() {}, info() {}, warn: take, error: take } }
}

/** Compacts all compactable logs, as the broker would in time. */
export async function compact(disk: Disk): Promise<readonly string[]> {
  const { lines, wrong, logger } = collector()
  const [clock, random] = [systemClock, systemRandom]
  const o = {
    disk,
    path: dir,
    nodeId: 1,
    clock,
    random,
    logger,
    tailCacheBudget: new TailCacheBudget(0),
  }
  const logDir = await LogDir.open(o, null, () => 'none').catch(() => null)
  if (logDir === null) return lines
  const config = { ...logConfigDefaults, cleanupPolicy: ['compact' as const] }
  for (const topic of [...compactedTopics, '__consumer_offsets']) {
    for (let index = 0; index < 2; index++) {
      const name = `${topic}-${index}`
      const id = (await disk.readFile(`${dir}/${name}/partition.metadata`))?.toString().slice(-22)
      if (!logDir.has(name) || id === undefined) continue
      await logDir.openLog(name, { topicId: id, config: () => config }).catch(() => {})
    }
  }
  const settings = { isEnabled: false, backoffMs: 1000, keyBytesMax: 1 << 20 }
  const rooms = { clock, logger, random, turns: endlessTurn }
  const compaction = new Compaction({ ...rooms, dirs: [logDir], settings })
  for (let n = 0; n < cleaningsMax && (await compaction.cleanOne()); n++);
  await compaction.stop()
  await logDir.close(1)
  claim(wrong.length === 0, `the log says ${wrong[0]}`)
  return lines
}

/**
 * Returns whether the damage to a partition's segments is detectable in them: bytes that are no
 * intact batch, or missing records between two segments.
 */
function isEvident(files: Files, partition: string): boolean {
  const segments = startsOf(files, partition).sort((a, b) => a - b)
  const isCompacted = compactedTopics.some((topic) => partition.startsWith(`${topic}-`))
  return segments.some((start, i) => {
    const bytes = files.get(`${partition}/${String(start).padStart(20, '0')}.log`)!
    let at = 0
    let nextOffset = start
    for (
      let size = batchSizeAt(bytes, 0);
      at + size <= bytes.length;
      size = batchSizeAt(bytes, at)
    ) {
      const batch = new Batch(bytes, at)
      if (!batch.isIntact()) return true
      ;({ nextOffset } = batch)
      at += size
    }
    return at < bytes.length || (!isCompacted && nextOffset < (segments[i + 1] ?? nextOffset))
  })
}

const mentions = (lines: readonly string[], partition: string) =>
  lines.some((line) => line.includes(partition) || /refused|__cluster_metadata/.test(line))

/** Returns whether the file is the broker's own bookkeeping, which concerns every partition. */
const ofAll = (path: string) => !path.includes('/') || path.startsWith('__cluster_metadata')

function checkLoss(whole: Whole, files: Files, damages: Damages, { look, lines }: Life): void {
  if (look === null) {
    claim(lines.length > 0, 'the broker does not start, and says nothing')
    return
  }
  const touched = (path: string) =>
    damages.all.some((damage) => damage.path === path) ||
    !(files.get(path)?.equals(whole.files.get(path) ?? Buffer.alloc(0)) ?? false)
  const paths = [...new Set([...files.keys(), ...whole.files.keys()])].filter(touched)
  for (const [name, found] of look.partitions) {
    const before = whole.look.partitions.get(name)!
    const missing = [...before.records].filter(
      ([offset, value]) => found.records.get(offset) !== value,
    )
    const isTouched = paths.some((path) => path.startsWith(`${name}/`) || ofAll(path))
    const where = `${name}, offsets ${missing.map(([offset]) => offset).slice(0, 5)}`
    for (const end of found.ends) claim(!end.startsWith('still'), `${name} is read without end`)
    if (missing.length === 0) continue
    claim(isTouched, `${where} are lost, which nobody touched: ${found.error} ${found.ends}`)
    // The reader of a damaged batch learns of it from the broker or from the checksum.
    const isTold =
      found.error !== 'NONE' ||
      found.ends.some((end) => /^(damage|CORRUPT|UNKNOWN_SERVER)/.test(end))
    if (isTold || !isEvident(files, name)) continue
    claim(mentions(lines, name), `${where} are lost without a word`)
  }
}

/**
 * Checks that records read before the compaction are read after it; of a compacted topic, the
 * newest of each key.
 */
function checkKept(first: Life, cleaning: readonly string[], second: Life): void {
  const lines = [...cleaning, ...second.lines]
  if (first.look === null) return
  if (second.look === null) return claim(lines.length > 0, 'the broker does not start again')
  for (const [name, before] of first.look.partitions) {
    const after = second.look.partitions.get(name)!
    const isCompacted = compactedTopics.some((topic) => name.startsWith(`${topic}-`))
    const due = isCompacted ? newestOf(before) : before.records
    const missing = [...due].filter(([offset, value]) => after.records.get(offset) !== value)
    if (missing.length === 0) continue
    const where = `${name}, offsets ${missing.map(([offset]) => offset).slice(0, 5)}`
    claim(mentions(lines, name), `${where} are lost by compaction or a second start`)
  }
}

/**
 * Returns the newest value of each key; the value contains the record's number, the key is it
 * modulo 7.
 */
function newestOf({ records }: Found): Map<number, string> {
  const newest = new Map<number, [number, string]>()
  for (const [offset, value] of [...records].sort(([a], [b]) => a - b)) {
    newest.set(Number(value.split(' ')[1]) % 7, [offset, value])
  }
  return new Map(newest.values())
}

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => void unhandled.push(reason))

/** Damages a directory and runs a broker on it twice, with a compaction in between. */
async function run(input: Buffer): Promise<void> {
  const whole = await wholeDirectory()
  const damages = damagesOf(input, whole.files)
  const files = damaged(whole.files, damages)
  const disk = newDisk()
  await writeFiles(disk, dir, files)
  try {
    const first = await live(disk, whole.starts)
    checkLoss(whole, files, damages, first)
    const cleaning = await compact(disk)
    checkKept(first, cleaning, await live(disk, whole.starts))
    for (const reason of unhandled.splice(0)) throw reason
  } catch (error) {
    const { message, stack } = error as Error
    throw new Error(`${message} (${shown(damages)})`, { cause: stack })
  } finally {
    await disk.remove(dir)
  }
}

export const directories: Target = {
  name: 'directories',
  seeds: () => {
    const dice = new Dice(1)
    return Array.from({ length: 500 }, () => dice.bytes(dice.oneOf([9, 9, 17, 25])))
  },
  run,
}
