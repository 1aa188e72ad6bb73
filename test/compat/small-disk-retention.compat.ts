import { mkdtempSync, readdirSync, readlinkSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Case } from './failing-dirs.ts'
import { until } from './kafkajs/client.ts'
import { SmallDisk, smallDiskMissing } from './small-disk.ts'
import { targetName } from './targets.ts'

const topic = 'flowing'
const mebibyte = 1024 * 1024
const diskBytes = 150 * mebibyte
const retainedBytes = 20 * mebibyte
const valueBytes = 1_000_000
/**
 * Records written before each wait for retention, and the number of rounds: more than three times
 * the disk in all.
 */
const [roundBytes, rounds] = [50 * valueBytes, 10]
/** Space for the open segment, the metadata log, indexes, and the file system itself. */
const slackBytes = 12 * mebibyte

/** Deleted files that are still open, which use space until they are closed. */
function deletedButOpen(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  const targets = readdirSync(folder).map((fd) => {
    try {
      return readlinkSync(join(folder, fd))
    } catch {
      return '' // Closed in between.
    }
  })
  return targets.filter((path) => path.endsWith('(deleted)') && path.includes(topic))
}

describe.skipIf(smallDiskMissing() !== null)('a disk of 150 MB', () => {
  test('takes 500 MB where 20 MB are retained', async () => {
    const root = mkdtempSync(join(tmpdir(), 'small-disk-retention-'))
    const disk = new SmallDisk(root, diskBytes / mebibyte)
    const one = new Case(targetName, [join(disk.path, 'data')], {
      'log.retention.bytes': retainedBytes,
      'log.retention.ms': -1,
      'log.segment.bytes': mebibyte,
      'log.retention.check.interval.ms': 100,
      'log.segment.delete.delay.ms': 100,
      'log.initial.task.delay.ms': 100,
    })
    const usedBytes = () => {
      const { blocks, bfree, bsize } = statfsSync(disk.path)
      return (blocks - bfree) * bsize
    }
    try {
      const emptyBytes = usedBytes()
      await one.start()
      await one.create(topic, 1)
      const most = emptyBytes + retainedBytes + slackBytes
      for (let round = 0; round < rounds; round++) {
        for (let bytes = 0; bytes < roundBytes; bytes += valueBytes) {
          const { error } = await one.produce(topic, 0, Buffer.alloc(valueBytes))
          expect(error).toBe('NONE')
        }
        const what = `round ${round}: ${usedBytes()} bytes are used, and ${most} at most should be`
        await until(what, async () => usedBytes() <= most, 20_000)
      }
      await until(
        'no file of a removed segment is open',
        async () => deletedButOpen(one.target.pid).length === 0,
        5_000,
      )
    } finally {
      await one.close()
      disk.close()
      rmSync(root, { recursive: true, force: true })
    }
  }, 120_000)
})
