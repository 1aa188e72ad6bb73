import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { Case } from './failing-dirs.ts'
import { until } from './kafkajs/client.ts'
import { isLongForm } from './long-form.ts'
import { type Ailment, SmallDisk, smallDiskMissing } from './small-disk.ts'
import { type TargetName, targetName } from './targets.ts'

const topic = 'ailing'
const partitions = [0, 1, 2, 3]
/** Size of the records that fill a segment, in bytes. */
const largeBytes = 700_000

/** The action in which the broker meets the error. */
type Way = 'produce' | 'roll' | 'fetch' | 'offset by time' | 'cleaning'

interface Ill {
  readonly ailment: Ailment | 'EPERM'
  readonly way: Way
}

class Patient {
  readonly root: string
  readonly disk: SmallDisk
  readonly one: Case
  private readonly held: string[] = []

  /** @param isJbod whether there is a second directory, on a healthy disk. */
  constructor(name: TargetName, isJbod: boolean, { way }: Ill) {
    this.root = mkdtempSync(join(tmpdir(), 'disk-errors-'))
    this.disk = new SmallDisk(this.root, 96)
    const ailing = join(this.disk.path, 'data')
    this.one = new Case(name, isJbod ? [join(this.root, 'data'), ailing] : [ailing], {
      'log.segment.bytes': 1024 * 1024,
      'log.retention.ms': -1,
      // The action itself must meet the error, and not a checkpoint, which Kafka's cleaner reads
      // each time.
      'log.cleaner.backoff.ms': way === 'cleaning' ? 200 : 600_000,
      'replica.high.watermark.checkpoint.interval.ms': 600_000,
      'log.flush.offset.checkpoint.interval.ms': 600_000,
      'log.flush.start.offset.checkpoint.interval.ms': 600_000,
    })
  }

  /** @param topicDirs the directories of partitions: with EPERM no file can be created in them. */
  fail(ailment: Ill['ailment'], topicDirs: readonly string[]): void {
    if (ailment !== 'EPERM') return this.disk.fail(ailment)
    this.held.push(...topicDirs)
    execFileSync('chattr', ['+i', ...topicDirs])
  }

  heal(ailment: Ill['ailment']): void {
    if (ailment !== 'EPERM') return this.disk.heal(ailment)
    execFileSync('chattr', ['-i', ...this.held.splice(0)])
  }

  async close(): Promise<void> {
    await this.one.close()
    this.disk.close()
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** Repeats the action until the broker reports the error. */
async function notice(one: Case, way: Way, index: number): Promise<unknown> {
  if (way === 'cleaning') {
    await one.configure(topic, { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' })
    const hasFailed = async () => JSON.stringify(await one.logDirs()).includes('STORAGE')
    await until('the cleaner has failed', hasFailed, 20_000)
    // Records without keys are accepted again.
    await one.configure(topic, { 'cleanup.policy': 'delete' })
    return 'by itself'
  }
  const bytes = way === 'roll' ? largeBytes : 64 * 1024
  for (let i = 0; i < 100; i++) {
    const { error } =
      way === 'fetch'
        ? await one.fetch(topic, index, 0)
        : way === 'offset by time'
          ? await one.offsetAt(topic, index, 4)
          : await one.produce(topic, index, Buffer.alloc(bytes))
    if (error !== 'NONE') return error
  }
  return 'nothing was noticed'
}

/** The acknowledged records by partition and offset, and the missing ones among them. */
class Acknowledged {
  private readonly values = new Map<number, Record<number, string>>()

  /** @param large the number of records, one per segment, that are written before. */
  async write(one: Case, large = 0): Promise<void> {
    for (const index of partitions) {
      const values: Record<number, string> = {}
      for (let i = 0; i < large; i++) {
        await one.produce(topic, index, Buffer.alloc(largeBytes), Buffer.from(`large ${i}`))
      }
      for (let i = 0; i < 5; i++) {
        const value = `value ${i} of ${index}`
        const bytes = Buffer.from(value)
        const { error, offset } = await one.produce(topic, index, bytes, bytes)
        if (error === 'NONE') values[offset] = value
      }
      this.values.set(index, { ...this.values.get(index), ...values })
    }
  }

  async missingFrom(one: Case): Promise<string[]> {
    const missing: string[] = []
    for (const [index, values] of this.values) {
      const found = await one.values(topic, index)
      for (const [offset, value] of Object.entries(values)) {
        if (found[Number(offset)] !== value) missing.push(`${index}/${offset}`)
      }
    }
    return missing
  }
}

const led = (one: Case, indexes: readonly number[]) => async () =>
  (await one.answers(topic, indexes)).every((each) => each.produce === 'NONE')

/** One of two directories is on a disk that fails, and that works again at a later start. */
async function jbodStory(self: Patient, ill: Ill) {
  const { one } = self
  const told: Record<string, unknown> = {}
  const acknowledged = new Acknowledged()
  const [kept, lost] = one.dirs as [string, string]
  await one.start()
  await one.create(topic, partitions.length)
  const inKept = one.heldBy(kept, topic)
  const inLost = one.heldBy(lost, topic)
  await acknowledged.write(one, ill.way === 'cleaning' ? 3 : 0)
  // Recent reads are cached in memory until a restart.
  const isRead = ill.way === 'fetch' || ill.way === 'offset by time'
  if (isRead) {
    await one.target.stop()
    await one.start()
    await until('all are led', async () => {
      const ends = await Promise.all(partitions.map((index) => one.offsetAt(topic, index, -1)))
      return ends.every(({ error }) => error === 'NONE')
    })
  }
  self.fail(
    ill.ailment,
    inLost.map((index) => join(lost, `${topic}-${index}`)),
  )
  told.noticed = await notice(one, ill.way, inLost[0]!)
  // A failed read is answered to its reader only; a failed write takes the directory offline.
  if (isRead) told.dirsOfReader = await one.logDirs()
  const isGone = (each: any) => each.metadata.leaderId === -1
  const areGone = async () => (await one.answers(topic, inLost)).every(isGone)
  // After a failed read Kafka sometimes notices the rest with its first checkpoint, after 30
  // seconds.
  await until('the leaders are gone', areGone, 90_000)
  told.lost = await one.answers(topic, inLost)
  told.kept = await one.answers(topic, inKept)
  told.dirs = await one.logDirs()
  told.stopped = (await one.target.stop()) === (one.target.name === 'kafka' ? 143 : 0)
  if (ill.ailment === 'ENOSPC' && ill.way === 'produce') {
    await one.start()
    await until('the kept are led', led(one, inKept))
    told.stillFull = await one.answers(topic, inLost)
    told.stillFullDirs = await one.logDirs()
    await one.target.stop()
  }
  self.heal(ill.ailment)
  await one.start()
  await until('all are led again', led(one, partitions))
  told.healed = await one.answers(topic, partitions)
  told.missing = await acknowledged.missingFrom(one)
  told.healedDirs = await one.logDirs()
  return told
}

/** The only directory is on a disk that fails. */
async function soleStory(self: Patient, ill: Ill) {
  const { one } = self
  const told: Record<string, unknown> = {}
  const acknowledged = new Acknowledged()
  await one.start()
  await one.create(topic, partitions.length)
  await acknowledged.write(one)
  self.fail(
    ill.ailment,
    partitions.map((index) => join(one.dirs[0]!, `${topic}-${index}`)),
  )
  await notice(one, ill.way, 0)
  told.exitCode = await one.target.ended(30_000)
  self.heal(ill.ailment)
  await one.start()
  await until('all are led again', led(one, partitions))
  told.missing = await acknowledged.missingFrom(one)
  return told
}

const ills: readonly (Ill & { readonly isEssential?: boolean })[] = [
  { ailment: 'ENOSPC', way: 'produce', isEssential: true },
  { ailment: 'ENOSPC', way: 'roll' },
  { ailment: 'EROFS', way: 'produce' },
  { ailment: 'EIO', way: 'produce' },
  { ailment: 'EIO', way: 'fetch', isEssential: true },
  { ailment: 'EIO', way: 'offset by time' },
  { ailment: 'EPERM', way: 'roll' },
  { ailment: 'ENOSPC', way: 'cleaning' },
  { ailment: 'EROFS', way: 'cleaning' },
  { ailment: 'EIO', way: 'cleaning' },
]
const cases = ills
  .filter(({ isEssential = false }) => isLongForm || isEssential)
  .map((ill) => [`${ill.ailment}, found by ${ill.way}`, ill] as const)

const missing = inject('javaMissing') ?? smallDiskMissing()
if (missing !== null) process.stderr.write(`\n  Disk errors are SKIPPED: ${missing}.\n\n`)

describe.skipIf(missing !== null)('a disk that fails', () => {
  const patients: Patient[] = []
  afterAll(() => Promise.all(patients.map((one) => one.close())))

  /** Runs the same with both brokers concurrently. */
  async function both(isJbod: boolean, ill: Ill, run: typeof jbodStory) {
    const two = (['kafka', targetName] as const).map((name) => new Patient(name, isJbod, ill))
    patients.push(...two)
    const told = await Promise.allSettled(two.map((patient) => run(patient, ill)))
    for (const [i, one] of told.entries()) {
      if (process.env.ODRADEK_COMPAT_LOG === '1' || one.status === 'rejected')
        console.log(two[i]!.one.target.describe(6_000))
      if (one.status === 'rejected') throw one.reason
    }
    const [theirs, ours] = told.map((one) => (one as PromiseFulfilledResult<object>).value)
    if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(JSON.stringify(theirs, null, 1))
    await Promise.all(two.map((one) => one.close()))
    patients.length = 0
    expect(ours).toEqual(theirs)
  }

  test.each(cases)('%s, in one of two', { timeout: 180_000 }, (_, ill) =>
    both(true, ill, jbodStory),
  )

  test.each(cases.filter(([, { way }]) => (isLongForm && way !== 'cleaning') || way === 'produce'))(
    '%s, in the only one',
    { timeout: 180_000 },
    (_, ill) => both(false, ill, soleStory),
  )
})
