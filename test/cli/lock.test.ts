import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FileLock, loadFileLock } from '../../src/base/file-lock.ts'
import { DirectoryLocked } from '../../src/storage/disk.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')
const ownPids = ['-p', '-f', '--kill-child', '--mount-proc'] as const
const hasNamespaces = spawnSync('unshare', [...ownPids, 'true']).status === 0
const hasLocks = (await loadFileLock()) !== null

let dir: string
const running: ChildProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'odradek-lock-'))
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(dir, { recursive: true, force: true })
})

function start(command: string, args: readonly string[]) {
  const child = spawn(command, [...args, cli, 'start', '--port', '0', '--data', dir])
  running.push(child)
  const said = { out: '', err: '' }
  child.stdout.on('data', (piece) => void (said.out += piece))
  child.stderr.on('data', (piece) => void (said.err += piece))
  const exit: Promise<unknown[]> = once(child, 'close')
  return { child, said, exit }
}

const noLocks = async (): Promise<FileLock | null> => null
const listens = { timeout: 20_000, interval: 20 }

describe('a directory', () => {
  // Two containers on one volume: each sees its own process as number 1, and not the other one.
  test.skipIf(!hasNamespaces || !hasLocks)('is one broker’s across containers', async () => {
    const first = start('unshare', [...ownPids, process.execPath])
    await expect.poll(() => first.said.out, listens).toContain('listening')
    const second = start('unshare', [...ownPids, process.execPath])
    expect((await second.exit)[0]).toBe(1)
    expect(second.said.err.trim()).toBe(
      `odradek: ${dir} is in use by a process of another container`,
    )
    first.child.kill('SIGKILL')
    await first.exit
    const third = start('unshare', [...ownPids, process.execPath])
    await expect.poll(() => third.said.out, listens).toContain('listening')
  })

  test.each([
    ['the kernel’s lock', loadFileLock],
    ['the name in the file', noLocks],
  ] as const)('is one process’s, by %s', async (_, fileLock) => {
    const broker = start(process.execPath, [])
    await expect.poll(() => broker.said.out, listens).toContain('listening')
    const disk = new NodeDisk({ fileLock })
    await expect(disk.lock(dir)).rejects.toThrow(`${dir} is in use by process ${broker.child.pid}`)
    // The refused start has not removed the lock.
    await expect(disk.lock(dir)).rejects.toThrow(DirectoryLocked)
    broker.child.kill('SIGKILL')
    await broker.exit
    const lock = await disk.lock(dir)
    await expect(new NodeDisk({ fileLock }).lock(dir)).rejects.toThrow('another broker in this')
    await lock.release()
    await (await disk.lock(dir)).release()
    expect(readdirSync(dir)).toContain('.lock')
  })
})
