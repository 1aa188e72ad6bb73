import { statfsSync, statSync, utimesSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadReserveBlocks, type ReserveBlocks } from '../../src/base/reserve-blocks.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { type Growing, RoomAhead } from '../../src/storage/room-ahead.ts'
import { temporaryDirectory } from './disks.ts'

const mb = 1024 * 1024

/** A room whose files are made up, and what was reserved in it. */
async function madeUp(answer: ReserveBlocks = () => true) {
  const reserved: { readonly position: number; readonly length: number }[] = []
  let nowMs = 0
  const room = new RoomAhead({
    load: async () => (file, position, length) => {
      reserved.push({ position, length })
      return answer(file, position, length)
    },
    suits: (path) => path !== 'elsewhere',
    monotonicMs: () => nowMs,
  })
  const given: string[] = []
  const file = (path: string, isIdle = true): Growing => ({
    path,
    giveRoomBack() {
      if (isIdle) given.push(path)
      return isIdle && room.forget(this)
    },
  })
  // The first to ask has it loaded, and does without.
  expect(room.extend(file('first'), 1, 5 * mb)).toBe(6 * mb)
  await Promise.resolve()
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { room, reserved, given, file, pass }
}

describe('room ahead of a file that grows', () => {
  test('is a quarter of it, within bounds, behind its end', async () => {
    const { room, reserved, file } = await madeUp()
    const one = file('one')
    expect(room.extend(one, 1, mb + 1)).toBe(3 * mb + 1)
    expect(room.extend(one, 1, 12 * mb)).toBe(15 * mb)
    expect(room.extend(one, 1, 100 * mb)).toBe(116 * mb)
    expect(reserved).toEqual([
      { position: mb + 1, length: 2 * mb },
      { position: 12 * mb, length: 3 * mb },
      { position: 100 * mb, length: 16 * mb },
    ])
    expect(room.extend(file('elsewhere'), 1, 5 * mb)).toBe(Number.POSITIVE_INFINITY)
  })

  test('is for a limited number, of whom one at rest makes place for another', async () => {
    const { room, reserved, given, file, pass } = await madeUp()
    const files = Array.from({ length: 128 }, (_, i) => file(`${i}`))
    for (const one of files) room.extend(one, 1, 5 * mb)
    const late = file('late')
    expect(room.extend(late, 1, 5 * mb)).toBe(6 * mb)
    expect(reserved).toHaveLength(128)
    pass(60_001)
    room.extend(files[0]!, 1, 8 * mb)
    expect(room.extend(late, 1, 8 * mb)).toBe(10 * mb)
    expect(given).toEqual(['1'])
  })

  test('of one who is written to is not taken', async () => {
    const { room, given, file, pass } = await madeUp()
    for (let i = 0; i < 128; i++) room.extend(file(`${i}`, i > 0), 1, 5 * mb)
    pass(60_001)
    expect(room.extend(file('late'), 1, 5 * mb)).toBe(6 * mb)
    expect(given).toEqual([])
  })

  test('ends for all when the file system refuses it to one', async () => {
    let isFull = false
    const { room, reserved, given, file } = await madeUp(() => !isFull)
    room.extend(file('one'), 1, 5 * mb)
    isFull = true
    expect(room.extend(file('two'), 1, 5 * mb)).toBe(Number.POSITIVE_INFINITY)
    expect(given).toEqual(['one'])
    isFull = false
    expect(room.extend(file('three'), 1, 5 * mb)).toBe(Number.POSITIVE_INFINITY)
    expect(reserved).toHaveLength(2)
  })
})

const isMissing =
  (await loadReserveBlocks()) === null || statfsSync(temporaryDirectory()).type !== 0xef53

describe.skipIf(isMissing)('on a real disk, what is ahead', () => {
  const chunk = Buffer.alloc(64 * 1024, 'x')

  /** A file of 2 MB: the first to ask has the call loaded, and so this file is not. */
  async function grown() {
    const reserveBlocks = await loadReserveBlocks()
    // By this clock no write is slow: all are done at once.
    const disk = new NodeDisk({ reserveBlocks: async () => reserveBlocks, monotonicMs: () => 0 })
    const dir = temporaryDirectory()
    const write = async (name: string) => {
      const file = disk.file(`${dir}/${name}`)
      for (let at = 0; at < 2 * mb; at += chunk.length) await file.write([chunk], at)
      return file
    }
    await (await write('first')).close()
    const file = await write('f')
    const blocksOf = () => {
      const { blocks, size } = statSync(file.path)
      return { size, bytesBehind: blocks * 512 - size }
    }
    return { file, blocksOf }
  }

  test('is no part of its size, and given back when it is closed', async () => {
    const { file, blocksOf } = await grown()
    const before = blocksOf()
    expect(before.size).toBe(2 * mb)
    expect(before.bytesBehind).toBeGreaterThanOrEqual(mb)
    const lastWrite = new Date(1_700_000_000_000)
    utimesSync(file.path, lastWrite, lastWrite)
    await file.close()
    expect(blocksOf().size).toBe(2 * mb)
    expect(blocksOf().bytesBehind).toBeLessThan(64 * 1024)
    // Retention goes by it where records have no timestamps.
    expect(statSync(file.path).mtimeMs).toBe(lastWrite.getTime())
    expect((await file.read(2 * mb - 5, 10)).toString()).toBe('xxxxx')
    await file.close()
  })

  test('is given back when nothing more will come, or the file is cut; then it may grow again', async () => {
    const { file, blocksOf } = await grown()
    file.giveRoomBack!()
    expect(blocksOf().bytesBehind).toBeLessThan(64 * 1024)
    await file.write([chunk], 2 * mb)
    expect(blocksOf().bytesBehind).toBeGreaterThanOrEqual(mb)
    await file.truncate(mb)
    expect(blocksOf()).toMatchObject({ size: mb })
    expect(blocksOf().bytesBehind).toBeLessThan(64 * 1024)
    await file.write([chunk], mb)
    expect(blocksOf().size).toBe(mb + chunk.length)
    expect(blocksOf().bytesBehind).toBeGreaterThanOrEqual(mb)
    await file.close()
  })
})
