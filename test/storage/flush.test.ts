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
