import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { loadSendfile, type Sendfile } from '../../src/base/sendfile.ts'
import { descriptorOf } from '../../src/server/node-transport.ts'
import { DirectoryLocked, DiskError } from '../../src/storage/disk.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { socketPair } from '../socket-pair.ts'
import { places, temporaryDirectory } from './disks.ts'

const text = async (read: Buffer | Promise<Buffer>) => (await read).toString()
const names = (entries: { name: string }[] | null) => entries?.map((e) => e.name).sort()

describe.each(Object.keys(places))('%s', (name) => {
  const place = () => places[name]!()

  test('writes chunks where it is told, and reads any stretch back', async () => {
    const { disk, dir } = await place()
    const file = disk.file(`${dir}/f`)
    await file.write([Buffer.from('hello '), Buffer.from(''), Buffer.from('world')], 0)
    await file.write([Buffer.from('!')], 11)
    expect(await text(file.read(0, 100))).toBe('hello world!')
    expect(await text(file.read(4, 4))).toBe('o wo')
    expect(await text(file.read(11, 1))).toBe('!')
    expect(await text(file.read(12, 5))).toBe('')
    await file.sync()
    await file.close()
    expect(await text(disk.file(`${dir}/f`).read(6, 5))).toBe('world')
  })

  test('reads across every inner boundary of a large file', async () => {
    const { disk, dir } = await place()
    const file = disk.file(`${dir}/f`)
    const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 7919) & 0xff))
    let at = 0
    for (const size of [1, 255, 1, 3000, 262_144, 100_000, 334_599]) {
      await file.write([bytes.subarray(at, at + size)], at)
      at += size
    }
    expect(at).toBe(bytes.length)
    for (const [from, length] of [
      [0, 700_000],
      [262_143, 2],
      [262_144, 262_144],
      [255, 600_000],
      [699_999, 10],
    ] as const) {
      const expected = bytes.subarray(from, from + length)
      expect((await file.read(from, length)).equals(expected)).toBe(true)
    }
  })

  test('truncates, and what was read before does not change', async () => {
    const { disk, dir } = await place()
    const file = disk.file(`${dir}/f`)
    await file.write([Buffer.from('0123456789')], 0)
    const before = await file.read(0, 10)
    await file.truncate(4)
    await file.write([Buffer.from('xy')], 4)
    expect(await text(file.read(0, 100))).toBe('0123xy')
    expect(before.toString()).toBe('0123456789')
  })

  test('a renamed file goes on under its new name', async () => {
    const { disk, dir } = await place()
    const file = disk.file(`${dir}/a`)
    await file.write([Buffer.from('12')], 0)
    await file.rename(`${dir}/b`)
    await file.write([Buffer.from('3')], 2)
    await file.close()
    expect(await text(file.read(0, 9))).toBe('123')
    expect(names(await disk.list(dir))).toEqual(['b'])
  })

  test('lists files with their sizes, and directories', async () => {
    const { disk, dir } = await place()
    await disk.makeDirectory(`${dir}/x/y`)
    await disk.create(`${dir}/x/empty`)
    await disk.writeFileAtomically(`${dir}/x/three`, Buffer.from('abc'))
    const entries = await disk.list(`${dir}/x`)
    const facts = entries?.map((e) => [e.name, e.isDirectory, e.size])
    expect(facts?.sort()).toEqual([
      ['empty', false, 0],
      ['three', false, 3],
      ['y', true, 0],
    ])
    expect(entries?.find((e) => e.name === 'three')?.modifiedMs).toBeGreaterThan(1.6e12)
    expect(await disk.list(`${dir}/none`)).toBeNull()
  })

  test('replaces small files whole', async () => {
    const { disk, dir } = await place()
    await disk.writeFileAtomically(`${dir}/f`, Buffer.from('a longer text'))
    await disk.writeFileAtomically(`${dir}/f`, Buffer.from('short'), false)
    expect(await disk.readFile(`${dir}/f`)).toEqual(Buffer.from('short'))
    expect(await disk.readFile(`${dir}/g`)).toBeNull()
    expect(names(await disk.list(dir))).toEqual(['f'])
  })

  test('creating a file that is there leaves it as it is', async () => {
    const { disk, dir } = await place()
    await disk.writeFileAtomically(`${dir}/f`, Buffer.from('kept'))
    await disk.create(`${dir}/f`)
    expect((await disk.readFile(`${dir}/f`))?.toString()).toBe('kept')
  })

  test('who opens a file while it is renamed finds it', async () => {
    const { disk, dir } = await place()
    const found = Array.from({ length: 300 }, async (_, i) => {
      const file = disk.file(`${dir}/${i}`)
      await file.write([Buffer.from('abc')], 0)
      await file.close()
      const reading = (async () => String(await file.read(0, 3)))()
      await Promise.all([file.rename(`${dir}/${i}.deleted`), reading])
      await file.close()
      return reading
    })
    expect(new Set(await Promise.all(found))).toEqual(new Set(['abc']))
  })

  test('renames and removes directories with all that they hold', async () => {
    const { disk, dir } = await place()
    await disk.makeDirectory(`${dir}/t-0/deep`)
    await disk.writeFileAtomically(`${dir}/t-0/deep/f`, Buffer.from('1'))
    await disk.rename(`${dir}/t-0`, `${dir}/t-0-delete`)
    expect((await disk.readFile(`${dir}/t-0-delete/deep/f`))?.toString()).toBe('1')
    expect(await disk.list(`${dir}/t-0`)).toBeNull()
    await disk.remove(`${dir}/t-0-delete`)
    await disk.remove(`${dir}/t-0-delete`)
    expect(await disk.list(dir)).toEqual([])
    await disk.syncDirectory(dir)
  })

  test('removes a file alone, and what is not there without a word', async () => {
    const { disk, dir } = await place()
    await disk.writeFileAtomically(`${dir}/f`, Buffer.from('1'))
    await disk.writeFileAtomically(`${dir}/g`, Buffer.from('2'))
    await disk.remove(`${dir}/f`)
    await disk.remove(`${dir}/none/f`)
    expect(names(await disk.list(dir))).toEqual(['g'])
  })

  test('says what failed and where', async () => {
    const { disk, dir } = await place()
    const missing = Promise.resolve().then(() => disk.file(`${dir}/none`).read(0, 1))
    await expect(missing).rejects.toThrow(DiskError)
    await expect(disk.file(`${dir}/no/f`).write([Buffer.from('1')], 0)).rejects.toMatchObject({
      code: 'ENOENT',
    })
    await expect(disk.rename(`${dir}/none`, `${dir}/x`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('many files are in use at once', async () => {
    const { disk, dir } = await place()
    const files = Array.from({ length: 20 }, (_, i) => disk.file(`${dir}/${i}`))
    for (const round of [0, 1, 2]) {
      await Promise.all(files.map((file, i) => file.write([Buffer.from([i])], round)))
    }
    const read = await Promise.all(files.map((file) => file.read(0, 9)))
    expect(read.map((bytes) => [...bytes])).toEqual(files.map((_, i) => [i, i, i]))
    await Promise.all(files.map((file) => file.close()))
  })

  test('a directory is one broker’s', async () => {
    const { disk, dir } = await place()
    const lock = await disk.lock(dir)
    await expect(disk.lock(dir)).rejects.toThrow(DirectoryLocked)
    await lock.release()
    await (await disk.lock(dir)).release()
  })
})

test('another process that lives keeps its directory, one that died does not', async () => {
  const dir = temporaryDirectory()
  const disk = new NodeDisk()
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  await once(other, 'spawn')
  const stat = readFileSync(`/proc/${other.pid}/stat`, 'utf8')
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  writeFileSync(`${dir}/.lock`, JSON.stringify({ pid: other.pid, started }))
  await expect(disk.lock(dir)).rejects.toThrow(`in use by process ${other.pid}`)
  other.kill('SIGKILL')
  await once(other, 'exit')
  await (await disk.lock(dir)).release()
})

test('small files in memory cost about what they hold', async () => {
  const disk = new MemoryDisk(() => 0)
  await disk.makeDirectory('/d')
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 1000; i++) await disk.file(`/d/${i}`).write([Buffer.alloc(100)], 0)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1000 * 1024)
})

const sendfileMissing = (await loadSendfile()) === null

describe('bytes that the kernel hands to a socket', () => {
  const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) & 0xff))

  async function sent(monotonicMs: () => number, sizes: readonly number[]) {
    const calls = { now: 0, later: 0 }
    const counted = async (): Promise<Sendfile | null> => {
      const { now, later } = (await loadSendfile())!
      return {
        now: (...o) => {
          calls.now++
          return now(...o)
        },
        later: (...o) => {
          calls.later++
          return later(...o)
        },
      }
    }
    const disk = new NodeDisk({ monotonicMs, sendfile: counted })
    const file = disk.file(`${temporaryDirectory()}/f`)
    await file.write([content], 0)
    const { ours: socket, peer, close } = await socketPair()
    const got: Buffer[] = []
    peer.on('data', (bytes) => got.push(bytes))
    let at = 0
    for (const size of sizes) {
      const end = at + size
      while (at < end) {
        const count = await file.send!(descriptorOf(socket)!, at, end - at)
        expect(count).toBeGreaterThanOrEqual(0)
        if (count === 0) await new Promise((resolve) => setImmediate(resolve))
        at += count
      }
    }
    // Nothing follows the file's end, and a closed socket accepts nothing.
    expect(await file.send!(descriptorOf(socket)!, content.length, 10)).toBeLessThanOrEqual(0)
    const descriptor = descriptorOf(socket)!
    socket.end()
    await once(peer, 'end')
    socket.destroy()
    expect(await file.send!(descriptor, 0, 10)).toBe(-1)
    close()
    await file.close()
    return { bytes: Buffer.concat(got), at, calls }
  }

  /** The first call seems to take a minute, so that all others use the thread pool. */
  const slowClock = () => {
    let looks = 0
    return () => (looks++ < 1 ? 0 : 60_000)
  }

  test.skipIf(sendfileMissing).each([
    { where: 'at once', clock: () => 0, isLater: false },
    { where: 'on the thread pool', clock: slowClock(), isLater: true },
  ])('are those of the file, $where', async ({ clock, isLater }) => {
    const { bytes, at, calls } = await sent(clock, [1, 4095, 1, 1_000_000, 999_999, 900_000])
    expect(bytes.equals(content.subarray(0, at))).toBe(true)
    if (isLater) {
      expect(calls.now).toBe(1)
      expect(calls.later).toBeGreaterThan(5)
    } else expect(calls.later).toBe(0)
  })

  test('are none where there is no such call', async () => {
    const disk = new NodeDisk({ sendfile: async () => null })
    const file = disk.file(`${temporaryDirectory()}/f`)
    expect(await file.send!(() => 1, 0, 10)).toBe(-1)
  })
})
