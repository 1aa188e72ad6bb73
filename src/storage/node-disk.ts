import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { BufferPool } from '../base/buffer-pool.ts'
import { systemClock } from '../base/clock.ts'
import { loadSendfile, type Sendfile, type SocketDescriptor } from '../base/sendfile.ts'
import { lockDirectory } from './directory-lock.ts'
import {
  type DirectoryEntry,
  type DirectoryLock,
  type Disk,
  DiskError,
  type DiskSpace,
  type File,
} from './disk.ts'
import { IoPace, type IoPaces, slowMs } from './io-pace.ts'

/** Descriptors that are kept open for files nobody is using at the moment. */
const openFilesMaxDefault = 1_000

export interface NodeDiskOptions {
  readonly openFilesMax?: number
  readonly monotonicMs?: () => number
  /** Where what is read is read into. */
  readonly pool?: BufferPool
  /** How bytes go to a socket without passing through here; resolves with null for not at all. */
  readonly sendfile?: () => Promise<Sendfile | null>
}

/** What the files of a disk share. */
interface Shared {
  readonly openFiles: OpenFiles
  readonly paces: IoPaces
  readonly pool: BufferPool
  readonly sendfile: () => Promise<Sendfile | null>
}

/** The real disk. */
export class NodeDisk implements Disk {
  private readonly shared: Shared

  constructor(o: NodeDiskOptions = {}) {
    const monotonicMs = o.monotonicMs ?? systemClock.monotonicMs
    this.shared = {
      openFiles: new OpenFiles(o.openFilesMax ?? openFilesMaxDefault),
      paces: {
        read: new IoPace(monotonicMs, slowMs.read, diskReads),
        write: new IoPace(monotonicMs, slowMs.write, () => null),
      },
      pool: o.pool ?? new BufferPool(),
      sendfile: o.sendfile ?? loadSendfile,
    }
  }

  file(path: string): File {
    return new NodeFile(path, this.shared)
  }

  async create(path: string): Promise<void> {
    await attempt('create', path, async () => (await fs.promises.open(path, 'a')).close())
  }

  async list(path: string): Promise<DirectoryEntry[] | null> {
    return attempt('list', path, async () => {
      const entries = await orNull(fs.promises.readdir(path, { withFileTypes: true }))
      if (entries === null) return null
      const found = await Promise.all(
        entries.map(async (entry): Promise<DirectoryEntry | null> => {
          if (entry.isDirectory()) {
            return { name: entry.name, isDirectory: true, size: 0, modifiedMs: 0 }
          }
          // It may be gone since: the background removal of old segments runs on.
          const stat = await orNull(fs.promises.stat(join(path, entry.name)))
          if (stat === null) return null
          return {
            name: entry.name,
            isDirectory: false,
            size: stat.size,
            modifiedMs: Math.floor(stat.mtimeMs),
          }
        }),
      )
      return found.filter((entry) => entry !== null)
    })
  }

  readFile(path: string): Promise<Buffer | null> {
    return attempt('read', path, () => orNull(fs.promises.readFile(path)))
  }

  async writeFileAtomically(path: string, content: Uint8Array, durable = true): Promise<void> {
    await attempt('write', path, async () => {
      const written = `${path}.tmp`
      await fs.promises.writeFile(written, content, { flush: durable })
      await fs.promises.rename(written, path)
      if (durable) await syncDirectory(dirname(path))
    })
  }

  async makeDirectory(path: string): Promise<void> {
    await attempt('create', path, () => fs.promises.mkdir(path, { recursive: true }))
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt('rename', from, () => fs.promises.rename(from, to))
  }

  async remove(path: string): Promise<void> {
    await attempt('remove', path, () => fs.promises.rm(path, { recursive: true, force: true }))
  }

  async space(path: string): Promise<DiskSpace> {
    const { bsize, blocks, bavail } = await attempt('examine', path, () => fs.promises.statfs(path))
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
  }

  async syncDirectory(path: string): Promise<void> {
    await attempt('sync', path, () => syncDirectory(path))
  }

  async lock(directory: string): Promise<DirectoryLock> {
    return attempt('lock', directory, () => lockDirectory(directory))
  }
}

/** Linux and macOS count the blocks that were read from a disk, and not what came from the page cache. */
function diskReads(): number | null {
  return process.platform === 'win32' ? null : process.resourceUsage().fsRead
}

class NodeFile implements File {
  path: string
  /** The open descriptor, or its being on the way; null while nobody needs one. */
  private descriptor: number | Promise<number> | null = null
  /** For `OpenFiles` alone. */
  movedAtUse = 0
  private users = 0
  private whenIdle: (() => void)[] = []
  private readonly shared: Shared

  constructor(path: string, shared: Shared) {
    this.path = path
    this.shared = shared
  }

  get isIdle(): boolean {
    return this.users === 0
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> | null {
    const { descriptor: fd, shared } = this
    const pace = shared.paces.write
    const bytes = bytesOf(chunks)
    if (typeof fd !== 'number' || !pace.mayBeInline(bytes)) {
      return this.writeLater(chunks, position)
    }
    // The way of almost every append.
    try {
      const count = pace.inline(() => writeSome(fd, chunks, position))
      shared.openFiles.used(this)
      if (count === bytes) return null
      return this.writeLater(withoutFirst(chunks, count), position + count)
    } catch (error) {
      return Promise.reject(asDiskError('write', this.path, error))
    }
  }

  private writeLater(chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.use('write', true, (fd) => writeOnPool(fd, chunks, position))
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.use('read', false, async (fd) => {
      const buffer = this.shared.pool.acquire(length)
      let at = 0
      while (at < length) {
        const count = await readSome(fd, buffer, at, position + at, this.shared.paces.read)
        if (count === 0) break
        at += count
      }
      return buffer.subarray(0, at)
    })
  }

  async send(to: SocketDescriptor, position: number, length: number): Promise<number> {
    const sendfile = await this.shared.sendfile()
    if (sendfile === null) return -1
    const { read: pace } = this.shared.paces
    return this.use('send', false, async (fd) =>
      pace.mayBeInline(length)
        ? pace.inline(() => sendfile.now(to, fd, position, length))
        : sendfile.later(to, fd, position, length),
    )
  }

  async truncate(size: number): Promise<void> {
    await this.use('truncate', true, (fd) => call((done) => fs.ftruncate(fd, size, done)))
  }

  async sync(): Promise<void> {
    await this.use('sync', true, (fd) => call((done) => fs.fdatasync(fd, done)))
  }

  async rename(path: string): Promise<void> {
    await attempt('rename', this.path, () => fs.promises.rename(this.path, path))
    this.path = path
  }

  async close(): Promise<void> {
    while (this.users > 0) await new Promise<void>((resolve) => this.whenIdle.push(resolve))
    this.shared.openFiles.forget(this)
    const { descriptor } = this
    if (descriptor === null) return
    this.descriptor = null
    const fd = await descriptor
    await attempt('close', this.path, () => call((done) => fs.close(fd, done)))
  }

  private async use<T>(
    action: string,
    create: boolean,
    run: (fd: number) => Promise<T>,
  ): Promise<T> {
    this.users++
    try {
      this.descriptor ??= this.open(create)
      return await run(await this.descriptor)
    } catch (error) {
      throw asDiskError(action, this.path, error)
    } finally {
      if (--this.users === 0 && this.whenIdle.length > 0) {
        for (const wake of this.whenIdle.splice(0)) wake()
      }
      this.shared.openFiles.used(this)
    }
  }

  private open(create: boolean): Promise<number> {
    const flags = fs.constants.O_RDWR | (create ? fs.constants.O_CREAT : 0)
    const opened = call<number>((done) => fs.open(this.path, flags, done))
    opened.then(
      (fd) => {
        this.descriptor = fd
      },
      () => {
        this.descriptor = null // So that the next call tries again.
      },
    )
    return opened
  }
}

/**
 * Which files have a descriptor, those longest unused first; closes one of these when they are too many. A
 * file is put at the end at its first use, and again when so many uses have passed that it matters.
 */
class OpenFiles {
  private readonly files = new Set<NodeFile>()
  private uses = 0
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  used(file: NodeFile): void {
    this.uses++
    if (this.uses < file.movedAtUse + this.max / 2 && this.files.has(file)) return
    file.movedAtUse = this.uses
    this.files.delete(file)
    this.files.add(file)
    if (this.files.size <= this.max) return
    for (const oldest of this.files) {
      if (!oldest.isIdle) continue
      // A failing close of a descriptor that nobody uses loses nothing: syncs are explicit.
      oldest.close().catch(() => {})
      return
    }
  }

  forget(file: NodeFile): void {
    this.files.delete(file)
  }
}

function bytesOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  return bytes
}

/** @returns how much was written: less than all, perhaps. */
function writeSome(fd: number, chunks: readonly Uint8Array[], position: number): number {
  const [first] = chunks
  if (chunks.length === 1) return fs.writeSync(fd, first!, 0, first!.length, position)
  return fs.writevSync(fd, chunks as NodeJS.ArrayBufferView[], position)
}

async function writeOnPool(
  fd: number,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = chunks
  let at = position
  while (rest.length > 0) {
    const buffers = rest as NodeJS.ArrayBufferView[]
    const count = await call<number>((done) => fs.writev(fd, buffers, at, done))
    at += count
    rest = withoutFirst(rest, count)
  }
}

/** What a write that stopped early still has to write. */
function withoutFirst(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip))
    skip = Math.max(0, skip - chunk.length)
  }
  return rest
}

async function readSome(
  fd: number,
  buffer: Buffer,
  at: number,
  position: number,
  pace: IoPace,
): Promise<number> {
  const length = buffer.length - at
  if (pace.mayBeInline(length)) {
    return pace.inline(() => fs.readSync(fd, buffer, at, length, position))
  }
  return call((done) => fs.read(fd, buffer, at, length, position, done))
}

/** Callbacks cost less than `fs.promises` on the paths that every request takes. */
function call<T = void>(
  start: (done: (error: Error | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return // Directories cannot be synced there.
  const handle = await fs.promises.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function orNull<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function attempt<T>(action: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw asDiskError(action, path, error)
  }
}

function asDiskError(action: string, path: string, error: unknown): unknown {
  const isSystem = typeof (error as { syscall?: unknown } | null)?.syscall === 'string'
  return isSystem ? new DiskError(action, path, error) : error
}
