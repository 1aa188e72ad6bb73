import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { Case } from './failing-dirs.ts'
import { until } from './kafkajs/client.ts'
import { targetName } from './targets.ts'

const topic = 'jbod'
const partitions = [0, 1, 2, 3]

const often = {
  'log.flush.offset.checkpoint.interval.ms': 300,
  'log.flush.start.offset.checkpoint.interval.ms': 300,
  'replica.high.watermark.checkpoint.interval.ms': 300,
}

/** Simulates a failed disk: opening a file fails, because the directory is a file now. */
function lose(dir: string): void {
  renameSync(dir, `${dir}.gone`)
  writeFileSync(dir, '')
}

/**
 * The answers of a broker while it loses one directory, after a start without it, and when it loses
 * the other.
 */
async function story(one: Case): Promise<Record<string, unknown>> {
  const told: Record<string, unknown> = {}
  const [kept, lost] = one.dirs as [string, string]
  await one.start()
  await one.create(topic, partitions.length)
  const inKept = one.heldBy(kept, topic)
  const inLost = one.heldBy(lost, topic)
  told.spread = [inKept.length, inLost.length]
  told.before = await one.logDirs()
  lose(lost)
  await until('the loss is noticed', async () =>
    JSON.stringify(await one.logDirs()).includes('STORAGE'),
  )
  await until('the leaders are gone', async () =>
    (await one.answers(topic, inLost)).every((each: any) => each.metadata.leaderId === -1),
  )
  told.keptPartitions = await one.answers(topic, inKept)
  told.lostPartitions = await one.answers(topic, inLost)
  told.dirs = await one.logDirs()
  await one.create('after', 2)
  told.after = one.heldBy(kept, 'after')
  told.stopped = (await one.target.stop()) === (one.target.name === 'kafka' ? 143 : 0)
  await one.start()
  await until('the kept are led again', async () =>
    (await one.answers(topic, inKept)).every((each) => each.produce === 'NONE'),
  )
  told.restartedKept = await one.answers(topic, inKept)
  // Kafka answers with either error: it opens nothing there.
  const gone = ['KAFKA_STORAGE_ERROR', 'NOT_LEADER_OR_FOLLOWER']
  told.restartedLost = (await one.answers(topic, inLost)).map((each) => ({
    ...each,
    ...Object.fromEntries(
      Object.entries(each).map(([what, said]) => [what, gone.includes(said as string) || said]),
    ),
  }))
  told.restartedDirs = await one.logDirs()
  lose(kept)
  told.exitCode = await one.target.ended(30_000)
  told.isStillAFile = existsSync(lost)
  return told
}

describe.skipIf(inject('javaMissing') !== null)('a failed log directory', () => {
  const root = mkdtempSync(join(tmpdir(), 'jbod-'))
  const cases: Case[] = []
  afterAll(async () => {
    await Promise.all(cases.map((one) => one.close()))
    rmSync(root, { recursive: true, force: true })
  })

  test(`${targetName} goes on without it as Kafka does`, { timeout: 180_000 }, async () => {
    for (const [i, name] of (['kafka', targetName] as const).entries()) {
      const dirs = ['one', 'two'].map((dir) => join(root, String(i), dir))
      cases.push(new Case(name, dirs, often))
    }
    const [theirs, ours] = await Promise.all(cases.map(story))
    if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(JSON.stringify(theirs, null, 1))
    expect(ours).toEqual(theirs)
  })
})
