import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { errorName } from '../../src/protocol/errors.ts'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.ts'
import { Case } from './failing-dirs.ts'
import { until } from './kafkajs/client.ts'
import { isLongForm } from './long-form.ts'
import { type TargetName, targetName } from './targets.ts'

/** Three records fill a segment of 1 MB, the smallest that Kafka permits. */
const valueBytes = 330_000
const written = 11

/** Offsets requested one after the other, of one topic each; -1 is the high watermark. */
const deletes: Readonly<Record<string, readonly number[]>> = {
  middle: [4],
  edge: [6],
  several: [2, 7, 3],
  all: [-1],
  wrong: [12, -2, 11, 5],
  none: [],
}
const topics = Object.keys(deletes)

interface Plan {
  readonly end: 'stop' | 'kill -9' | 'kill -9 before the checkpoint'
  /** Whether the segments before the start offset are removed before the stop. */
  readonly isSwept: boolean
  readonly isEssential?: boolean
}

const plans: readonly Plan[] = [
  { end: 'stop', isSwept: true },
  { end: 'stop', isSwept: false, isEssential: true },
  { end: 'kill -9', isSwept: true, isEssential: true },
  { end: 'kill -9 before the checkpoint', isSwept: true },
  { end: 'kill -9 before the checkpoint', isSwept: false },
]
const cases = plans
  .filter(({ isEssential = false }) => isLongForm || isEssential)
  .map((plan) => [plan.isSwept ? 'segments gone' : 'segments there', plan.end, plan] as const)

const often = 200
const never = 600_000

function caseOf(name: TargetName, dir: string, { isSwept, end }: Plan): Case {
  const checkpointMs = end === 'kill -9 before the checkpoint' ? never : often
  return new Case(name, [dir], {
    'log.segment.bytes': 1024 * 1024,
    'log.retention.ms': -1,
    'log.retention.check.interval.ms': isSwept ? often : never,
    'log.initial.task.delay.ms': isSwept ? often : never,
    'log.segment.delete.delay.ms': 0,
    'log.flush.start.offset.checkpoint.interval.ms': checkpointMs,
    'log.flush.offset.checkpoint.interval.ms': checkpointMs,
    'replica.high.watermark.checkpoint.interval.ms': checkpointMs,
  })
}

async function remove(one: Case, name: string, offset: number) {
  const answer = await one.ask(deleteRecords, 2, {
    topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }],
    timeoutMs: 5_000,
  })
  const { lowWatermark, errorCode } = answer.topics[0].partitions[0]
  return { error: errorName(errorCode), lowWatermark: Number(lowWatermark) }
}

/** The state of a partition as a client sees it. */
async function seen(one: Case, name: string) {
  const fetches: string[] = []
  for (let offset = 0; offset <= written + 1; offset++) {
    const { error, logStartOffset, highWatermark, records } = await one.fetch(name, 0, offset)
    const from = `from ${records?.[0]?.offset} of ${logStartOffset} to ${highWatermark}`
    fetches.push(`${offset}: ${error} ${from}`)
  }
  const [earliest, latest] = [await one.offsetAt(name, 0, -2), await one.offsetAt(name, 0, -1)]
  return { earliest, latest, fetches }
}

const seenOfAll = async (one: Case) =>
  Object.fromEntries(
    await Promise.all(topics.map(async (name) => [name, await seen(one, name)] as const)),
  )

const segments = (one: Case, name: string) =>
  readdirSync(join(one.dirs[0]!, `${name}-0`))
    .filter((file) => file.endsWith('.log'))
    .map((file) => Number(file.slice(0, 20)))
    .toSorted((a, b) => a - b)

/**
 * The checkpoint of start offsets: the topics that start in the middle of a segment, and their
 * offsets. (Kafka omits those that start with their first segment, odradek does not.)
 */
function checkpoint(one: Case): string[] {
  const path = join(one.dirs[0]!, 'log-start-offset-checkpoint')
  const [, , ...rows] = (existsSync(path) ? readFileSync(path, 'utf8') : '').split('\n')
  const inMiddle = rows.filter((row) => {
    const [name, , offset] = row.split(' ')
    return row !== '' && segments(one, name!)[0] !== Number(offset)
  })
  return inMiddle.toSorted()
}

/** Waits until only segments with records at or after the start offset are left. */
async function swept(one: Case): Promise<void> {
  for (const name of topics) {
    const { offset } = await one.offsetAt(name, 0, -2)
    await until(
      `${name} is swept`,
      () => segments(one, name).filter((at) => at <= offset).length < 2,
    )
  }
}

const files = (one: Case) => Object.fromEntries(topics.map((name) => [name, segments(one, name)]))

/** Writes, deletes records, stops or kills, starts again, and writes again. */
async function story(one: Case, again: Case, plan: Plan): Promise<Record<string, unknown>> {
  const { end, isSwept } = plan
  const told: Record<string, unknown> = {}
  await one.start()
  // Checkpoints are written once soon after a start, whatever the interval; waits for that.
  if (end === 'kill -9 before the checkpoint') await new Promise((done) => setTimeout(done, 2_000))
  for (const name of topics) {
    await one.createEmpty(name, 1)
    for (let i = 0; i < written; i++) await one.produce(name, 0, Buffer.alloc(valueBytes, i))
    const deleted: unknown[] = []
    for (const offset of deletes[name]!) deleted.push(await remove(one, name, offset))
    told[name] = deleted
  }
  told.before = await seenOfAll(one)
  // Where segments before the start offset still exist, Kafka finds nothing by a time that they
  // cover.
  const byTime = (life: Case) => Promise.all(topics.map((name) => life.offsetAt(name, 0, 0)))
  if (isSwept) {
    await swept(one)
    told.byTime = await byTime(one)
  }
  told.files = files(one)
  if (end === 'kill -9') {
    // The second of two rounds began after all of this; a checkpoint without changes is not
    // rewritten.
    const path = join(one.dirs[0]!, 'log-start-offset-checkpoint')
    const since = Date.now()
    await until('the start is on disk', () => checkpoint(one).length >= 3)
    await until('and all of it', () => statSync(path).mtimeMs > since || Date.now() > since + 1_000)
  }
  if (end === 'stop') await one.target.stop()
  else await one.target.kill9()
  told.checkpoint = checkpoint(one)
  await again.start()
  for (const name of topics) {
    await until('it is led again', async () => (await again.offsetAt(name, 0, -1)).error === 'NONE')
  }
  told.after = await seenOfAll(again)
  await swept(again)
  told.byTimeAfter = await byTime(again)
  told.filesAfter = files(again)
  for (const name of topics) await again.produce(name, 0, Buffer.from('more'))
  told.last = await seenOfAll(again)
  return told
}

describe.skipIf(inject('javaMissing') !== null)('DeleteRecords, and a start after it', () => {
  const root = mkdtempSync(join(tmpdir(), 'delete-records-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  test.each(cases)('%s, %s', { timeout: 120_000 }, async (_swept, _end, plan) => {
    const names = ['kafka', targetName] as const
    const dirs = names.map((name, j) => join(root, `${j}-${name}-${plans.indexOf(plan)}`))
    const lives = names.map((name, j) => [
      caseOf(name, dirs[j]!, plan),
      caseOf(name, dirs[j]!, { ...plan, isSwept: true }),
    ])
    try {
      const told = await Promise.allSettled(lives.map(([one, again]) => story(one!, again!, plan)))
      for (const [j, one] of told.entries()) {
        if (one.status === 'rejected') throw new Error(`${names[j]}: ${one.reason}`)
      }
      const [theirs, ours] = told.map((one) => (one as PromiseFulfilledResult<object>).value)
      if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(JSON.stringify(theirs, null, 1))
      expect(ours).toEqual(theirs)
    } finally {
      await Promise.all(lives.flat().map((one) => one.close()))
    }
  })
})
