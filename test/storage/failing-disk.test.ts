import { describe, expect, test } from 'vitest'
import type { LogFields, Logger } from '../../src/base/logger.ts'
import { FaultDisk } from '../../src/sim/fault-disk.ts'
import { Log } from '../../src/storage/log.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { append, batchOf, logOptions, readAll, seededRandom } from './logs.ts'

async function logOn(disk: FaultDisk, settings: Partial<LogConfig> = {}) {
  const lines: { message: string; fields?: LogFields | undefined }[] = []
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (message, fields) => lines.push({ message, fields }),
  }
  const told: Error[] = []
  const onOffline = (error: Error) => told.push(error)
  const o = logOptions({ disk, logger, onOffline, settings })
  return { log: await Log.open(o), o, lines, told }
}

describe('when the disk fails', () => {
  test.each(['ENOSPC', 'EIO', 'EACCES'])(
    '%s: the log goes offline, says so once, and loses nothing',
    async (code) => {
      const disk = new FaultDisk(seededRandom(1))
      const { log, o, lines, told } = await logOn(disk)
      await append(log, batchOf(2)).written
      disk.failing(/^write .*\.log/, code)
      const first = append(log, batchOf(2)).written
      const second = append(log, batchOf(2)).written
      await expect(first).rejects.toThrow(code)
      await expect(second).rejects.toThrow(code)
      await expect(first).rejects.toMatchObject({ reason: 'KAFKA_STORAGE_ERROR' })
      expect(() => append(log, batchOf(1))).toThrow('KAFKA_STORAGE_ERROR')
      expect(() => log.read(0, { maxBytes: 1, upTo: 1, minOneBatch: true })).toThrow(
        'KAFKA_STORAGE_ERROR',
      )
      expect(log.isOffline).toBe(true)
      expect(lines).toHaveLength(1)
      expect(lines[0]!.fields).toMatchObject({
        partition: 't-0',
        why: expect.stringContaining(code),
      })
      expect(told).toHaveLength(1)
      await log.close()
      const again = await Log.open({ ...o, disk: disk.after('process') })
      expect(again.logEndOffset).toBe(2)
      expect((await readAll(again)).map((batch) => batch.baseOffset)).toEqual([0])
      append(again, batchOf(1))
      await again.close()
    },
  )

  test('a sync that fails is not forgotten: what waited for it is not acknowledged', async () => {
    const disk = new FaultDisk(seededRandom(1))
    const { log } = await logOn(disk, { flushMessages: 1 })
    await append(log, batchOf(2)).written
    disk.failing(/^sync .*\.log/, 'EIO', 1)
    await expect(append(log, batchOf(2)).written).rejects.toThrow('EIO')
    // The next sync would succeed although the pages that could not be written are lost.
    expect(() => append(log, batchOf(2))).toThrow('KAFKA_STORAGE_ERROR')
  })

  test('a roll that cannot write its index takes the log offline too', async () => {
    const disk = new FaultDisk(seededRandom(1))
    const { log, lines } = await logOn(disk)
    await append(log, batchOf(2)).written
    disk.failing(/^write .*index/, 'ENOSPC')
    log.roll()
    await expect(log.flush()).rejects.toThrow('ENOSPC')
    expect(log.isOffline).toBe(true)
    expect(lines).toHaveLength(1)
  })

  test('an index that is damaged or lost is built again', async () => {
    for (const damage of ['remove', 'cut', 'rubbish', 'zeros'] as const) {
      const disk = new FaultDisk(seededRandom(1))
      const { log, o } = await logOn(disk, { segmentBytes: 2_000, indexIntervalBytes: 100 })
      for (let i = 0; i < 30; i++) append(log, batchOf(2))
      await log.close()
      const names = ((await disk.list(o.dir)) ?? []).map((entry) => `${o.dir}/${entry.name}`)
      for (const path of names.filter((name) => /index$/.test(name))) {
        const bytes = (await disk.readFile(path))!
        if (damage === 'remove') await disk.remove(path)
        if (damage === 'cut') await disk.file(path).truncate(Math.max(0, bytes.length - 5))
        if (damage === 'rubbish') await disk.writeFileAtomically(path, seededRandom(3).bytes(96))
        if (damage === 'zeros') await disk.writeFileAtomically(path, Buffer.alloc(bytes.length))
      }
      const again = await Log.open({ ...o, cleanShutdown: true })
      expect(again.logEndOffset).toBe(60)
      for (let offset = 0; offset < 60; offset++) {
        expect((await readAll(again, { maxBytes: 1 }, offset))[0]!.baseOffset).toBe(offset & ~1)
      }
      await again.close()
    }
  })
})
