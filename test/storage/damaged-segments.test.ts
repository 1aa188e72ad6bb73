import { describe, expect, test } from 'vitest'
import type { LogFields, Logger } from '../../src/base/logger.ts'
import { endlessTurn } from '../../src/base/turns.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import { CannotClean, cleanLog } from '../../src/storage/cleaner.ts'
import { Log } from '../../src/storage/log.ts'
import type { LogConfig } from '../../src/storage/log-config.ts'
import { LogDir } from '../../src/storage/log-dir.ts'
import { writePartitionMetadata } from '../../src/storage/partition-metadata.ts'
import { deleteOldSegments } from '../../src/storage/retention.ts'
import { offsetForTimestamp } from '../../src/storage/timestamps.ts'
import { type Place, places } from './disks.ts'
import { append, batchOf, logOptions, readAll, seededRandom } from './logs.ts'

function collector() {
  const lines: { message: string; fields?: LogFields | undefined }[] = []
  const take = (message: string, fields?: LogFields) => void lines.push({ message, fields })
  const logger: Logger = { debug() {}, info() {}, warn: take, error: take }
  return { lines, logger }
}

/** Batches of one record each; this many fill a segment. */
const batchesInSegment = 4
const firstSegment = '00000000000000000000.log'

/** Creates a log of three closed segments of four batches each. */
async function threeSegments({ disk, dir }: Place, settings: Partial<LogConfig> = {}) {
  const { lines, logger } = collector()
  const o = { ...logOptions({ disk, dir: `${dir}/t-0`, settings, logger }), cleanShutdown: true }
  const log = await Log.open(o)
  for (let i = 0; i < 3 * batchesInSegment; i++) {
    if (i > 0 && i % batchesInSegment === 0) log.roll()
    append(log, batchOf(1, { bytes: 100 }))
  }
  const { sizeBytes } = log.segments.first
  await log.close()
  const path = (base: number) => `${o.dir}/${String(base).padStart(20, '0')}.log`
  const edit = async (base: number, change: (bytes: Buffer) => Buffer) => {
    await disk.writeFileAtomically(path(base), change((await disk.readFile(path(base)))!))
  }
  const names = async () => (await disk.list(o.dir))!.map(({ name }) => name).sort()
  return { o, lines, edit, names, batchBytes: sizeBytes / batchesInSegment }
}

async function readAt(log: Log, offset: number) {
  try {
    const limits = { maxBytes: 1024 * 1024, upTo: Number.POSITIVE_INFINITY, minOneBatch: true }
    return (await log.read(offset, limits)).nextOffset
  } catch (error) {
    if (error instanceof ApiError) return error.reason
    throw error
  }
}

const lengthOf = (bytes: Buffer, at: number, length: number) => {
  bytes.writeInt32BE(length, at + 8)
  return bytes
}

/**
 * Damages to the closed first segment from the third batch on, and where a read of offset 2 then
 * continues, as a Fetch from Apache Kafka 4.4.0: an incomplete batch ends the segment, an
 * impossible one is CORRUPT_MESSAGE.
 */
const damages: Record<string, [(bytes: Buffer, at: number) => Buffer, number | string]> = {
  'cut within a batch': [(bytes, at) => bytes.subarray(0, at + 100), 8],
  'cut within the header of a batch': [(bytes, at) => bytes.subarray(0, at + 30), 8],
  'cut within the first bytes of a batch': [(bytes, at) => bytes.subarray(0, at + 5), 8],
  'a length of 0x7fffffff': [(bytes, at) => lengthOf(bytes, at, 0x7fffffff), 8],
  'a length beyond the end of the file': [(bytes, at) => lengthOf(bytes, at, 1_000_000), 8],
  'a length of 0': [(bytes, at) => lengthOf(bytes, at, 0), 'CORRUPT_MESSAGE'],
  'a negative length': [(bytes, at) => lengthOf(bytes, at, -12), 'CORRUPT_MESSAGE'],
}

describe.each(Object.keys(places))('a damaged segment on %s', (place) => {
  test.each(Object.entries(damages))('%s ends a read, and is told of once', async (_, damage) => {
    const [change, expected] = damage
    const { o, lines, edit, batchBytes } = await threeSegments(await places[place]!())
    await edit(0, (bytes) => change(bytes, 2 * batchBytes))
    const log = await Log.open(o)
    expect(log.logEndOffset).toBe(12)
    // Records before the damage and in the other segments are read.
    expect(await readAt(log, 0)).toBe(2)
    expect(await readAt(log, 5)).toBe(8)
    expect(await readAt(log, 9)).toBe(12)
    for (const offset of [2, 2, 3]) expect(await readAt(log, offset)).toBe(expected)
    await offsetForTimestamp(log, 1_700_000_000_000, endlessTurn)
    expect(lines).toEqual([
      {
        message: 'a segment is damaged: what stands from there on to its end cannot be read',
        fields: {
          partition: 't-0',
          file: `${o.dir}/${firstSegment}`,
          position: 2 * batchBytes,
          bytes: expect.any(Number),
        },
      },
    ])
    await log.close()
  })

  test('an offset behind the last batch of a segment is no damage', async () => {
    const settings = { cleanupPolicy: ['compact'] as const }
    const { o, lines, edit, batchBytes } = await threeSegments(await places[place]!(), settings)
    // As after compaction: the last batch is gone, and the next segment keeps its base offset.
    await edit(0, (bytes) => bytes.subarray(0, 3 * batchBytes))
    const log = await Log.open(o)
    expect(await readAt(log, 3)).toBe(8)
    expect(lines).toEqual([])
    await log.close()
  })

  test('a file that is cut while it is open ends a read', async () => {
    const { o, edit, batchBytes } = await threeSegments(await places[place]!())
    const log = await Log.open(o)
    expect(await readAt(log, 0)).toBe(4)
    await o.disk.file(log.segments.first.log.path).truncate(2 * batchBytes + 70)
    expect(await readAt(log, 0)).toBe(2)
    expect(await readAt(log, 2)).toBe(8)
    await edit(4, () => Buffer.alloc(0))
    await readAt(log, 4)
    const walked: number[] = []
    for await (const { batch } of log.segments.first.walk()) walked.push(batch.baseOffset)
    expect(walked).toEqual([0, 1])
    await log.close()
  })
})

describe('a log that was left in order, and whose last segment was cut', () => {
  test('goes on where it can be read, and what was cut off is kept', async () => {
    const { o, lines, edit, names, batchBytes } = await threeSegments(
      await places['the in-memory disk']!(),
    )
    await edit(8, (bytes) => bytes.subarray(0, 3 * batchBytes + 100))
    const log = await Log.open(o)
    expect(log.logEndOffset).toBe(11)
    append(log, batchOf(1))
    await log.close()
    const again = await Log.open(o)
    expect((await readAll(again)).map(({ baseOffset }) => baseOffset)).toEqual(
      Array.from({ length: 12 }, (_, i) => i),
    )
    await again.close()
    const keptAs = `00000000000000000008.log.${3 * batchBytes}.set-aside`
    expect(await names()).toContain(keptAs)
    expect((await o.disk.readFile(`${o.dir}/${keptAs}`))!.length).toBe(100)
    const cut = lines.filter(
      ({ message }) => message === 'cut a segment before what is no intact batch',
    )
    expect(cut).toHaveLength(1)
    expect(cut[0]!.fields).toMatchObject({ offset: 11, keptAs: `${o.dir}/${keptAs}` })
  })
})

describe('a log of which whole batches are gone', () => {
  test.each([
    [8, 'a log ends before what was synced of it: records are lost'],
    [4, 'a segment is empty although others follow: its records are lost'],
  ])('says so: segment %d', async (base, message) => {
    const { o, lines, edit } = await threeSegments(await places['the in-memory disk']!())
    await edit(base, () => Buffer.alloc(0))
    const log = await Log.open({ ...o, recoveryPoint: 12 })
    expect(lines.map((line) => line.message)).toEqual([message])
    await log.close()
  })
})

describe('a log that was not left in order', () => {
  test('sets aside what Apache Kafka drops: what follows on damage', async () => {
    const { o, lines, edit, names, batchBytes } = await threeSegments(
      await places['the in-memory disk']!(),
    )
    const whole = await o.disk.readFile(`${o.dir}/00000000000000000008.log`)
    await edit(4, (bytes) => {
      bytes[batchBytes + 80]! ^= 1
      return bytes
    })
    const log = await Log.open({ ...o, cleanShutdown: false })
    expect(log.logEndOffset).toBe(5)
    expect(await names()).toEqual(
      expect.arrayContaining([
        `00000000000000000004.log.${batchBytes}.set-aside`,
        '00000000000000000008.log.set-aside',
      ]),
    )
    const kept = await o.disk.readFile(`${o.dir}/00000000000000000008.log.set-aside`)
    expect(kept!.equals(whole!)).toBe(true)
    expect(lines.map(({ fields }) => fields!.keptAs)).toEqual([
      `${o.dir}/00000000000000000004.log.${batchBytes}.set-aside`,
      `${o.dir}/00000000000000000008.log.set-aside`,
    ])
    await log.close()
    // A second recovery overwrites nothing.
    const later = await Log.open(o)
    for (let i = 5; i < 8; i++) append(later, batchOf(1))
    later.roll()
    append(later, batchOf(1))
    await later.close()
    await edit(4, (bytes) => {
      bytes[80]! ^= 1
      return bytes
    })
    await (await Log.open({ ...o, cleanShutdown: false })).close()
    expect(await names()).toContain('00000000000000000008.log.set-aside-2')
    expect(
      (await o.disk.readFile(`${o.dir}/00000000000000000008.log.set-aside`))!.equals(whole!),
    ).toBe(true)
  })

  test('room that was never written to is no damage', async () => {
    const { o, edit, names } = await threeSegments(await places['the in-memory disk']!())
    await edit(8, (bytes) => Buffer.concat([bytes, Buffer.alloc(5_000)]))
    const log = await Log.open({ ...o, cleanShutdown: false })
    expect(log.logEndOffset).toBe(12)
    await log.close()
    expect((await names()).filter((name) => name.includes('set-aside'))).toEqual([])
  })
})

describe('the cleaner', () => {
  test.each(['cut', 'flipped', 'length', 'order'] as const)(
    'leaves a log alone of which a segment is damaged: %s',
    async (damage) => {
      const place = await places['the in-memory disk']!()
      const { lines, logger } = collector()
      const settings: Partial<LogConfig> = { cleanupPolicy: ['compact'], segmentBytes: 2_000 }
      const o = {
        ...logOptions({ ...place, dir: `${place.dir}/c-0`, settings, logger }),
        cleanShutdown: true,
      }
      const log = await Log.open(o)
      for (let i = 0; i < 540; i++) {
        const value = Buffer.from(String(i))
        const records = [{ key: Buffer.from(`key ${i}`), value, timestampMs: 1_700_000_000_000 }]
        append(log, writeBatch({ records }))
      }
      await log.close()
      const second = log.segments.all[1]!
      const bytes = (await o.disk.readFile(second.log.path))!
      if (damage === 'flipped') bytes[150]! ^= 1
      if (damage === 'length') lengthOf(bytes, 0, 0x7fffffff)
      if (damage === 'order') bytes.writeBigInt64BE(0n)
      const changed = damage === 'cut' ? bytes.subarray(0, 150) : bytes
      await o.disk.writeFileAtomically(second.log.path, changed)
      const again = await Log.open(o)
      const before = (await o.disk.list(o.dir))!.filter(({ name }) => name.endsWith('.log'))
      const cleaning = cleanLog(again, 0, again.segments.active.baseOffset, {
        keyBytesMax: 1 << 20,
        turns: endlessTurn,
        random: seededRandom(1),
        nowMs: 1_800_000_000_000,
      })
      await expect(cleaning).rejects.toThrow(CannotClean)
      await expect(cleaning).rejects.toThrow(second.log.path)
      const left = (await o.disk.list(o.dir))!
      expect(left.filter(({ name }) => /\.(cleaned|swap|deleted)$/.test(name))).toEqual([])
      const logs = left.filter(({ name }) => name.endsWith('.log'))
      expect(logs.map(({ name, size }) => [name, size])).toEqual(
        before.map(({ name, size }) => [name, size]),
      )
      const behind = await readAll(again, {}, again.segments.all[2]!.baseOffset)
      const records = (await Promise.all(behind.map((batch) => readRecords(batch)))).flat()
      expect(records.at(-1)!.key!.toString()).toBe('key 539')
      expect(lines.length).toBeLessThanOrEqual(1)
      await again.close()
    },
  )
})

/** Apache Kafka 4.4.0 starts, and answers a read in the gap with the records behind it. */
describe.each(Object.keys(places))('a segment whose file was deleted, on %s', (place) => {
  test.each([
    ['in order', true],
    ['by a crash', false],
  ])('is a gap that is told of: stopped %s', async (_, cleanShutdown) => {
    const { o, lines } = await threeSegments(await places[place]!())
    await o.disk.remove(`${o.dir}/00000000000000000004.log`)
    const log = await Log.open({ ...o, cleanShutdown, recoveryPoint: 12 })
    for (const [offset, next] of [
      [0, 4],
      [4, 12],
      [6, 12],
      [8, 12],
    ]) {
      expect(await readAt(log, offset!)).toBe(next)
    }
    const file = `${o.dir}/00000000000000000004.log`
    const fields = { partition: 't-0', file, from: 4, to: 8 }
    const message = 'the file of a segment is missing: its records are lost'
    expect(lines).toEqual([{ message, fields }])
    await log.close()
    await (await Log.open(o)).close()
    expect(lines).toHaveLength(1)
  })
})

/**
 * Apache Kafka 4.4.0 continues behind a segment without files, whether it recovers the log or not
 * (see `test/compat/damaged-directories.compat.ts`).
 */
describe.each(Object.keys(places))('a segment of which nothing is left, on %s', (place) => {
  const removed = async (base: number, settings: Partial<LogConfig> = {}) => {
    const found = await threeSegments(await places[place]!(), settings)
    const stem = String(base).padStart(20, '0')
    for (const name of await found.names()) {
      if (name.startsWith(stem)) await found.o.disk.remove(`${found.o.dir}/${name}`)
    }
    return found
  }
  const message = 'records are missing between two segments'

  test.each([
    ['in order', true, 12],
    ['by a crash', false, 12],
    ['by a crash, and recovered', false, 0],
  ])('is a gap that is told of: stopped %s', async (_, cleanShutdown, recoveryPoint) => {
    const { o, lines } = await removed(4)
    const log = await Log.open({ ...o, cleanShutdown, recoveryPoint })
    expect(log.logEndOffset).toBe(12)
    for (const [offset, next] of [
      [0, 4],
      [4, 12],
      [6, 12],
      [8, 12],
    ]) {
      expect(await readAt(log, offset!)).toBe(next)
    }
    const behind = `${o.dir}/${firstSegment}`
    expect(lines).toEqual([{ message, fields: { partition: 't-0', behind, from: 4, to: 8 } }])
    await log.close()
  })

  test('is told of where the log begins, too', async () => {
    const { o, lines } = await removed(0)
    const log = await Log.open(o)
    expect([log.logStartOffset, await readAt(log, 4)]).toEqual([4, 8])
    const fields = { partition: 't-0', from: 0, to: 4 }
    const first = 'the first segment of a log is missing: its records are lost'
    expect(lines).toEqual([{ message: first, fields }])
    await log.close()
    await (await Log.open({ ...o, logStartOffset: log.logStartOffset })).close()
    expect(lines).toHaveLength(1)
  })

  test('is no segment that retention has removed', async () => {
    const at = await places[place]!()
    const topicId = '9_JW0W0IQa6H2T4pN7eEKw'
    const { lines, logger } = collector()
    const o = logOptions({ ...at, logger })
    const open = () => LogDir.open({ ...o, path: at.dir, nodeId: 1 }, null, () => topicId)
    await (await open()).close(1)
    await threeSegments(at)
    await writePartitionMetadata(at.disk, `${at.dir}/t-0`, topicId)
    for (const start of [4, 6, 8, 8]) {
      const dir = await open()
      const log = await dir.openLog('t-0', { topicId, config: o.config })
      log.advanceLogStartOffset(start)
      await deleteOldSegments(log, log.writtenOffset, 0)
      expect(log.segments.first.baseOffset).toBe(start - (start % batchesInSegment))
      await dir.close(1)
    }
    expect(lines).toEqual([])
  })

  test('is none where the log is compacted', async () => {
    for (const base of [0, 4]) {
      const { o, lines } = await removed(base, { cleanupPolicy: ['compact'] })
      const log = await Log.open(o)
      expect(await readAt(log, 4)).toBe(base === 0 ? 8 : 12)
      await log.close()
      expect(lines).toEqual([])
    }
  })
})
