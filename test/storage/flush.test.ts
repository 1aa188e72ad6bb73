import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Log } from '../../src/storage/log.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { temporaryDirectory } from './disks.ts'
import { append, batchOf, logOptions } from './logs.ts'

describe('flush.messages on the real disk', () => {
  test('appends that wait for a sync go along with new epochs and rolls', async () => {
    const root = temporaryDirectory()
    for (let round = 0; round < 20; round++) {
      const dir = join(root, `t-${round}`)
      const settings = { flushMessages: 1, segmentBytes: 300 }
      const log = await Log.open(logOptions({ disk: new NodeDisk(), dir, settings }))
      for (let epoch = 0; epoch < 4; epoch++) {
        log.assignEpochStart(epoch, log.logEndOffset)
        await append(log, batchOf(2), epoch).written
        expect(log.flushedOffset).toBe(log.logEndOffset)
      }
      expect(log.isOffline).toBe(false)
      await log.close()
    }
  })
})

test('a log that was given up touches its directory no more', async () => {
  const o = logOptions({})
  const log = await Log.open(o)
  log.assignEpochStart(3, 0)
  await append(log, batchOf(2), 3).written
  const flushed = log.flush()
  await log.abandon()
  await flushed
  await o.disk.remove(o.dir)
  // What goes through all logs may still have this one in its hand.
  log.assignEpochStart(4, 2)
  await log.flush()
  log.logStartOffsetSaved(1)
  await log.files.settled()
  expect(await o.disk.list(o.dir)).toBe(null)
})
