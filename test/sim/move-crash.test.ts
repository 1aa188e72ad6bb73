import { expect, test, vi } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { BrokerSettings } from '../../src/metadata/config/settings.ts'
import type { TopicState } from '../../src/metadata/image.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import { Partitions } from '../../src/replication/partitions.ts'
import { Crashed, FaultDisk, type Loss } from '../../src/sim/fault-disk.ts'
import { DiskError } from '../../src/storage/disk.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { TailCacheBudget } from '../../src/storage/tail-cache.ts'
import { append, batchOf, ManualClock, readAll, seededRandom } from '../storage/logs.ts'

// Thousands of crashes take long on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const topicId = '9_JW0W0IQa6H2T4pN7eEKw'
const paths = ['/a', '/b']

/**
 * `/a` and `/b` are two file systems: a rename between them fails, and directories are moved file
 * by file.
 */
class TwoFileSystems extends FaultDisk {
  override async rename(from: string, to: string): Promise<void> {
    if (from.slice(0, 2) !== to.slice(0, 2)) {
      throw new DiskError('rename', from, Object.assign(new Error('EXDEV'), { code: 'EXDEV' }))
    }
    return super.rename(from, to)
  }

  override async remove(path: string): Promise<void> {
    for (const { name } of (await this.list(path)) ?? []) await this.remove(`${path}/${name}`)
    return super.remove(path)
  }

  override after(loss: Loss): FaultDisk {
    return Object.setPrototypeOf(super.after(loss), TwoFileSystems.prototype)
  }
}

async function open(disk: FaultDisk, assigned: string | null) {
  const dirs: LogDir[] = []
  for (const path of paths) {
    const o = { disk, path, nodeId: 1, clock: new ManualClock(), logger: silentLogger }
    const random = seededRandom(path.charCodeAt(1))
    const fresh = () => path.slice(1).repeat(22)
    const known = dirs[0]?.clusterId ?? null
    dirs.push(
      await LogDir.open({ ...o, random, tailCacheBudget: new TailCacheBudget(0) }, known, fresh),
    )
  }
  const settings = new BrokerSettings(new Map())
  const partitions = new Partitions({ brokerId: 1, logDirs: dirs, settings, turns: endlessTurn })
  const directory = assigned ?? dirs[0]!.directoryId
  const topic: TopicState = {
    name: 't',
    id: topicId,
    partitions: [
      {
        ...{ leader: 1, leaderEpoch: 0, partitionEpoch: 0, directories: [directory] },
        ...{ replicas: [1], isr: [1], removingReplicas: [], addingReplicas: [] },
        ...{ eligibleLeaderReplicas: [], lastKnownElr: [], leaderRecoveryState: 0 },
      } as TopicState['partitions'][number],
    ],
  }
  await partitions.apply(emptyImage, { changed: [topic], deleted: [] })
  return { dirs, partitions, topic, log: partitions.get('t', 0)!.log }
}

const values = async (log: Parameters<typeof readAll>[0]) =>
  (await readAll(log)).map((batch) => batch.baseOffset)

/** Fills a partition in /a, moves it to /b with a crash at that call, and returns the result. */
async function crash(crashAt: number, loss: Loss, seed: number) {
  const disk = new TwoFileSystems(seededRandom(seed))
  const first = await open(disk, null)
  for (let i = 0; i < 5; i++) append(first.log, batchOf(1))
  await first.log.flush()
  first.log.advanceLogStartOffset(2)
  await first.dirs[0]!.checkpoint()
  disk.crashAt = disk.steps + crashAt
  const [, b] = first.dirs
  const isDone = await first.partitions.move(first.topic, 0, b!).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof Crashed) && !String(error).includes('Crashed')) throw error
      return false
    },
  )
  const left = disk.after(loss)
  const again = await open(left, first.dirs[0]!.directoryId)
  const holders = again.dirs.filter((dir) => dir.has('t-0'))
  const found = await values(again.log)
  const { logStartOffset } = again.log
  // The copy that was not chosen never returns.
  append(again.log, batchOf(1))
  for (const dir of again.dirs) await dir.close(1)
  const last = await open(left, again.dirs.find((dir) => dir !== holders[0])!.directoryId)
  return { isDone, holders: holders.length, found, logStartOffset, last: await values(last.log) }
}

const losses = ['process', 'machine'] as const
const title = 'a move to another file system leaves one complete copy after a crash of the %s'
test.each(losses)(title, async (loss) => {
  let calls = 0
  for (let crashAt = 1; ; crashAt++) {
    const { isDone, ...left } = await crash(crashAt, loss, crashAt)
    expect({ crashAt, ...left }).toEqual({
      ...{ crashAt, holders: 1, found: [2, 3, 4], logStartOffset: 2 },
      last: [2, 3, 4, 5],
    })
    calls++
    if (isDone) break
  }
  expect(calls).toBeGreaterThan(15)
})

test('a move that finds no room leaves the partition where it was, and no remains', async () => {
  const disk = new TwoFileSystems(seededRandom(1))
  const { partitions, topic, log, dirs } = await open(disk, null)
  for (let i = 0; i < 5; i++) append(log, batchOf(1))
  await log.flush()
  disk.failing(/^write \/b\/t-0.*\.log$/, 'ENOSPC', 1)
  await expect(partitions.move(topic, 0, dirs[1]!)).rejects.toThrow('ENOSPC')
  expect(dirs.map((dir) => dir.has('t-0'))).toEqual([true, false])
  const names = ((await disk.list('/b')) ?? []).map(({ name }) => name)
  expect(names.filter((name) => name.startsWith('t-0'))).toEqual([])
  const same = partitions.get('t', 0)!.log
  append(same, batchOf(1))
  expect(await values(same)).toEqual([0, 1, 2, 3, 4, 5])
})
