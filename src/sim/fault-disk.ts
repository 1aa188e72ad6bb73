import type { Random } from '../base/random.ts'
import {
  type DirectoryEntry,
  type DirectoryLock,
  DirectoryLocked,
  type Disk,
  DiskError,
  type DiskSpace,
  type File,
} from '../storage/disk.ts'

/** The cause of a crash: the process died, or the machine lost power. */
export type Loss = 'process' | 'machine'

/** The error of every call after the simulated process has died. */
export class Crashed extends Error {
  override readonly name = 'Crashed'
}

/** A write or truncation that is not synced; a power loss may undo any part of it. */
interface Unsynced {
  readonly position: number
  /** Null for a truncation to `position`. */
  readonly bytes: Buffer | null
}

class Inode {
  /** The content that a reader sees. */
  live: Buffer = Buffer.alloc(0)
  /** The synced content. */
  durable: Buffer = Buffer.alloc(0)
  unsynced: Unsynced[] = []

  change(change: Unsynced): void {
    this.live = changed(this.live, change)
    this.unsynced.push(change)
  }

  sync(): void {
    this.durable = Buffer.from(this.live)
    this.unsynced = []
  }

  /** Returns the file after a power loss: any unsynced changes may have reached the disk. */
  afterPowerLoss(random: Random): Inode {
    const left = new Inode()
    left.live = this.unsynced.reduce<Buffer>((content, change) => {
      if (random.int(2) === 0) return content
      if (change.bytes === null) return changed(content, change)
      const torn = change.bytes.subarray(0, random.int(change.bytes.length + 1))
      return changed(content, random.int(3) === 0 ? { ...change, bytes: torn } : change)
    }, this.durable)
    left.sync()
    return left
  }

  afterProcessDied(): Inode {
    const left = new Inode()
    left.live = Buffer.from(this.live)
    left.sync()
    return left
  }
}

function changed(content: Buffer, { position, bytes }: Unsynced): Buffer {
  if (bytes === null) {
    const cut = Buffer.alloc(position)
    content.copy(cut)
    return cut
  }
  const size = Math.max(content.length, position + bytes.length)
  const next = Buffer.alloc(size)
  content.copy(next)
  bytes.copy(next, position)
  return next
}

type Names = Map<string, Inode | 'directory'>

/**
 * An in-memory disk that can stop at any call, also in the middle of a write, and knows which data
 * survives. If only the process dies, all written data survives; if the machine loses power, the
 * synced data and a random part of the rest. Name changes are lost from the last one backwards, as
 * on file systems with a journal, unless a directory was synced after them.
 */
export class FaultDisk implements Disk {
  /** The number of calls so far that changed the disk. */
  steps = 0
  /** Whether writes complete before the call returns, as they do while the page cache has room. */
  writesAtOnce = false
  /** Resolves when a sync may be done, which takes no time by default. */
  beforeSync: () => Promise<void> = async () => {}
  /** The number of the call, from 1, in the middle of which the process dies. */
  crashAt = Number.POSITIVE_INFINITY
  private readonly random: Random
  private live: Names
  /** The names before each change that is not yet durable, oldest first. */
  private history: Names[] = []
  private isDead = false
  private readonly failures: { what: RegExp; code: string; times: number }[] = []
  private readonly locks = new Set<string>()

  constructor(random: Random, names: Names = new Map([['/', 'directory' as const]])) {
    this.random = random
    this.live = names
  }

  /** Makes matching calls (`write /data/t-0/0….log`) fail with this code, at most `times` times. */
  failing(what: RegExp, code: string, times = Number.POSITIVE_INFINITY): void {
    this.failures.push({ what, code, times })
  }

  /** Returns a disk with the data that survives a crash at this moment. */
  after(loss: Loss): FaultDisk {
    const pick = this.random.int(this.history.length + 1)
    const names = loss === 'process' ? this.live : (this.history[pick] ?? this.live)
    const left: Names = new Map()
    for (const [path, inode] of names) {
      if (inode === 'directory') left.set(path, inode)
      else {
        left.set(
          path,
          loss === 'process' ? inode.afterProcessDied() : inode.afterPowerLoss(this.random),
        )
      }
    }
    return new FaultDisk(this.random, left)
  }

  file(path: string): File {
    return new FaultFile(this, path)
  }

  async create(path: string): Promise<void> {
    await this.step('create', path, () => {
      if (!this.live.has(path)) this.name(path, new Inode())
    })
  }

  async list(path: string): Promise<DirectoryEntry[] | null> {
    this.checkAlive()
    if (this.live.get(path) !== 'directory') return null
    const prefix = path === '/' ? '/' : `${path}/`
    const entries: DirectoryEntry[] = []
    for (const [each, inode] of this.live) {
      const name = each.slice(prefix.length)
      if (!each.startsWith(prefix) || name === '' || name.includes('/')) continue
      const isDirectory = inode === 'directory'
      entries.push({ name, isDirectory, size: isDirectory ? 0 : inode.live.length, modifiedMs: 1 })
    }
    return entries
  }

  async readFile(path: string): Promise<Buffer | null> {
    this.checkAlive()
    this.failIfDue('read', path)
    const inode = this.live.get(path)
    return inode instanceof Inode ? Buffer.from(inode.live) : null
  }

  async writeFileAtomically(path: string, content: Uint8Array, durable = true): Promise<void> {
    const written = `${path}.tmp`
    const inode = new Inode()
    await this.step('create', written, () => this.name(written, inode))
    await this.step('write', written, (share) => {
      const bytes = Buffer.from(content).subarray(0, Math.floor(content.length * share))
      inode.change({ position: 0, bytes })
    })
    if (durable) await this.step('sync', written, () => inode.sync())
    await this.step('rename', written, () => {
      this.remember()
      this.live.delete(written)
      this.live.set(path, inode)
    })
    if (durable) await this.syncDirectory(parentOf(path))
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.live.has(path)) return
    if (path !== '/') await this.makeDirectory(parentOf(path))
    await this.step('create', path, () => this.name(path, 'directory'))
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step('rename', from, () => {
      const moved = [...this.live].filter(([path]) => path === from || path.startsWith(`${from}/`))
      if (moved.length === 0) throw failure('rename', from, 'ENOENT')
      this.remember()
      for (const [path, inode] of moved) {
        this.live.delete(path)
        this.live.set(to + path.slice(from.length), inode)
      }
    })
  }

  async remove(path: string): Promise<void> {
    await this.step('remove', path, () => {
      this.remember()
      for (const each of [...this.live.keys()]) {
        if (each === path || each.startsWith(`${path}/`)) this.live.delete(each)
      }
    })
  }

  async syncDirectory(path: string): Promise<void> {
    await this.step('sync', path, () => {
      this.history = []
    })
  }

  async space(): Promise<DiskSpace> {
    return { totalBytes: -1, usableBytes: -1 }
  }

  async lock(directory: string): Promise<DirectoryLock> {
    if (this.locks.has(directory)) throw new DirectoryLocked(directory, 'this process')
    this.locks.add(directory)
    return {
      release: async () => {
        this.locks.delete(directory)
      },
    }
  }

  /**
   * Runs one call that changes the disk. `run` gets the share of the change to apply: less than 1
   * if the process dies in the middle.
   */
  async step(action: string, path: string, run: (share: number) => void): Promise<void> {
    if (action === 'sync') await this.beforeSync()
    await Promise.resolve()
    this.stepNow(action, path, run)
  }

  /** The synchronous form of `step`. */
  stepNow(action: string, path: string, run: (share: number) => void): void {
    this.checkAlive()
    this.failIfDue(action, path)
    if (++this.steps < this.crashAt) return run(1)
    this.isDead = true
    const share = this.random.int(4)
    // A name change is atomic; a write may stop at any byte.
    if (share > 0) run(action === 'write' ? this.random.int(1000) / 1000 : 1)
    throw new Crashed()
  }

  failIfDue(action: string, path: string): void {
    const fails = this.failures.find(
      (each) => each.times > 0 && each.what.test(`${action} ${path}`),
    )
    if (fails === undefined) return
    fails.times--
    throw failure(action, path, fails.code)
  }

  checkAlive(): void {
    if (this.isDead) throw new Crashed()
  }

  find(path: string, action: string): Inode {
    const inode = this.live.get(path)
    if (!(inode instanceof Inode)) throw failure(action, path, 'ENOENT')
    return inode
  }

  findOrCreate(path: string): Inode {
    if (!this.live.has(path)) this.name(path, new Inode())
    return this.find(path, 'write')
  }

  private name(path: string, inode: Inode | 'directory'): void {
    if (this.live.get(parentOf(path)) !== 'directory') throw failure('create', path, 'ENOENT')
    this.remember()
    this.live.set(path, inode)
  }

  private remember(): void {
    this.history.push(new Map(this.live))
  }
}

class FaultFile implements File {
  path: string
  private readonly disk: FaultDisk

  constructor(disk: FaultDisk, path: string) {
    this.disk = disk
    this.path = path
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> | null {
    const all = Buffer.concat(chunks)
    const run = (share: number) => {
      const bytes = all.subarray(0, Math.floor(all.length * share))
      this.disk.findOrCreate(this.path).change({ position, bytes })
    }
    if (!this.disk.writesAtOnce) return this.disk.step('write', this.path, run)
    try {
      this.disk.stepNow('write', this.path, run)
      return null
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async read(position: number, length: number): Promise<Buffer> {
    this.disk.checkAlive()
    this.disk.failIfDue('read', this.path)
    return Buffer.from(this.disk.find(this.path, 'read').live.subarray(position, position + length))
  }

  async truncate(size: number): Promise<void> {
    await this.disk.step('truncate', this.path, () => {
      this.disk.findOrCreate(this.path).change({ position: size, bytes: null })
    })
  }

  async sync(): Promise<void> {
    await this.disk.step('sync', this.path, () => this.disk.findOrCreate(this.path).sync())
  }

  async rename(path: string): Promise<void> {
    await this.disk.rename(this.path, path)
    this.path = path
  }

  /** Does nothing: there are no readers of removed files. */
  hold(): () => void {
    return () => {}
  }

  async close(): Promise<void> {}
}

function failure(action: string, path: string, code: string): DiskError {
  return new DiskError(action, path, Object.assign(new Error(code), { code }))
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'
