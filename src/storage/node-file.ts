import fs from 'node:fs'
import type { BufferPool } from '../base/buffer-pool.ts'
import { once } from '../base/once.ts'
import type { Sendfile, SocketDescriptor } from '../base/sendfile.ts'
import type { File } from './disk.ts'
import { asDiskError, attempt, call } from './disk-attempt.ts'
import type { InlineIo, InlineIoOfDisks } from './inline-io.ts'

/** State shared by the files of a disk. */
export interface SharedByFiles {
  readonly openFiles: OpenFiles
  readonly paces: InlineIoOfDisks
  readonly pool: BufferPool
  readonly sendfile: {
    readonly load: () => Promise<Sendfile | null>
    /** Undefined until the first load is complete. */
    loaded: Sendfile | null | undefined
  }
}

/** Value of `movedAtUse` for a file that is not in `OpenFiles`. */
const neverMoved = Number.NEGATIVE_INFINITY

/**
 * A file on disk. I/O runs on the event loop while the page cache is fast, else on the thread pool.
 */
export class NodeFile implements File {
  path: string
  /** The open descriptor, or a promise of it while it is opened; null while none is needed. */
  private descriptor: number | Promise<number> | null = null
  /** Used only by `OpenFiles`. */
  movedAtUse = neverMoved
  private users = 0
  /** Number of unfinished reads in several steps. */
  private holders = 0
  /** Whether the file is closed except for those reads. */
  private isClosedForOthers = false
  private renaming: Promise<unknown> = Promise.resolve()
  private renames = 0
  private whenIdle: (() => void)[] = []
  private readonly shared: SharedByFiles

  constructor(path: string, shared: SharedByFiles) {
    this.path = path
    this.shared = shared
  }

  get isIdle(): boolean {
    return this.users === 0 && this.holders === 0
  }

  hold(): () => void {
    this.holders++
    // Opened while the file still has its name; a failing open is reported by the next read.
    if (this.descriptor === null) this.use('open', false, async () => {}).catch(() => {})
    return once(() => {
      if (--this.holders > 0 || !this.isClosedForOthers) return
      // No caller is left to report an error to; written data is synced or was discarded.
      this.close().catch(() => {})
    })
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> | null {
    const { shared } = this
    const pace = shared.paces.write
    const bytes = bytesOf(chunks)
    // The path of almost every append.
    try {
      const fd = this.descriptorNow(pace, bytes, true)
      if (fd === null) return this.writeLater(chunks, position)
      const count = pace.inline(() => writeSome(fd, chunks, position))
      shared.openFiles.used(this)
      if (count === bytes) return null
      return this.writeLater(withoutFirst(chunks, count), position + count)
    } catch (error) {
      return Promise.reject(asDiskError('write', this.path, error))
    }
  }

  private writeLater(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const { write } = this.shared.paces
    return this.use('write', true, (fd) =>
      write.pooled(bytesOf(chunks), () => writeOnPool(fd, chunks, position)),
    )
  }

  read(position: number, length: number): Buffer | Promise<Buffer> {
    const { shared } = this
    const pace = shared.paces.read
    try {
      const fd = this.descriptorNow(pace, length, false)
      if (fd === null) return this.readLater(position, length)
      const buffer = shared.pool.acquire(length)
      const count = pace.inline(() => fs.readSync(fd, buffer, 0, length, position))
      shared.openFiles.used(this)
      // A short read: either the file ends there, or the rest must be read separately.
      if (count < length && count > 0) return this.readLater(position, length)
      return buffer.subarray(0, count)
    } catch (error) {
      return Promise.reject(asDiskError('read', this.path, error))
    }
  }

  private readLater(position: number, length: number): Promise<Buffer> {
    const { pool, paces } = this.shared
    return this.use('read', false, (fd) =>
      paces.read.pooled(length, () => readOnPool(fd, pool.acquire(length), position)),
    )
  }

  send(to: SocketDescriptor, position: number, length: number): number | Promise<number> {
    const { shared } = this
    const sendfile = shared.sendfile.loaded
    if (sendfile === null) return -1
    const pace = shared.paces.read
    const fd = this.descriptor
    if (typeof fd !== 'number' || !pace.mayBeInline(length) || sendfile === undefined) {
      return this.sendLater(to, position, length)
    }
    shared.openFiles.used(this)
    return pace.inline(() => sendfile.now(to, fd, position, length))
  }

  private async sendLater(to: SocketDescriptor, position: number, length: number): Promise<number> {
    const { sendfile } = this.shared
    sendfile.loaded ??= await sendfile.load()
    const { loaded } = sendfile
    if (loaded === null) return -1
    const pace = this.shared.paces.read
    return this.use('send', false, async (fd) =>
      pace.mayBeInline(length)
        ? pace.inline(() => loaded.now(to, fd, position, length))
        : pace.pooled(length, () => loaded.later(to, fd, position, length)),
    )
  }

  async truncate(size: number): Promise<void> {
    await this.use('truncate', true, (fd) => call((done) => fs.ftruncate(fd, size, done)))
  }

  async sync(): Promise<void> {
    await this.use('sync', true, (fd) => call((done) => fs.fdatasync(fd, done)))
  }

  async rename(path: string): Promise<void> {
    // A pending open uses the old name and must complete first.
    const opened = Promise.resolve(this.descriptor).catch(() => {})
    const renamed = opened.then(() =>
      attempt('rename', this.path, () => fs.promises.rename(this.path, path)),
    )
    this.renames++
    this.renaming = renamed.catch(() => {})
    try {
      await renamed
      this.path = path
    } finally {
      this.renames--
    }
  }

  async close(): Promise<void> {
    while (this.users > 0) await new Promise<void>((resolve) => this.whenIdle.push(resolve))
    this.shared.openFiles.forget(this)
    this.isClosedForOthers = this.holders > 0
    const { descriptor } = this
    if (descriptor === null || this.holders > 0) return
    this.descriptor = null
    const fd = await descriptor
    await attempt('close', this.path, () => call((done) => fs.close(fd, done)))
  }

  /** Returns the descriptor if the operation may run on the event loop, otherwise null. */
  private descriptorNow(pace: InlineIo, bytes: number, create: boolean): number | null {
    const { descriptor } = this
    if (typeof descriptor === 'object' && descriptor !== null) return null
    if (!pace.mayBeInline(bytes)) return null
    if (descriptor !== null) return descriptor
    // Not during a rename, when the file has its new name but `path` is still the old one.
    if (this.renames > 0) return null
    const fd = pace.inline(() => fs.openSync(this.path, flagsOf(create)))
    this.descriptor = fd
    return fd
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
    const opened = this.renaming.then(() =>
      call<number>((done) => fs.open(this.path, flagsOf(create), done)),
    )
    opened.then(
      (fd) => {
        this.descriptor = fd
      },
      () => {
        this.descriptor = null // The next call tries again.
      },
    )
    return opened
  }
}

/**
 * The files with a descriptor in order of last use. Closes the one unused for longest if there are
 * too many. A file moves to the end at its first use, and again only after max / 2 uses of all
 * files.
 */
export class OpenFiles {
  private readonly files = new Set<NodeFile>()
  private uses = 0
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  used(file: NodeFile): void {
    this.uses++
    if (this.uses < file.movedAtUse + this.max / 2) return
    file.movedAtUse = this.uses
    this.files.delete(file)
    this.files.add(file)
    if (this.files.size <= this.max) return
    for (const oldest of this.files) {
      if (!oldest.isIdle) continue
      // A failing close of an idle descriptor loses no data: syncs are explicit.
      oldest.close().catch(() => {})
      return
    }
  }

  forget(file: NodeFile): void {
    file.movedAtUse = neverMoved
    this.files.delete(file)
  }
}

function flagsOf(create: boolean): number {
  return fs.constants.O_RDWR | (create ? fs.constants.O_CREAT : 0)
}

function bytesOf(chunks: readonly Uint8Array[]): number {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  return bytes
}

/** @returns the bytes written, possibly not all. */
function writeSome(fd: number, chunks: readonly Uint8Array[], position: number): number {
  const [first] = chunks
  if (chunks.length === 1) return fs.writeSync(fd, first!, 0, first!.length, position)
  return fs.writevSync(fd, chunks as NodeJS.ArrayBufferView[], position)
}

/** @returns the filled part of the buffer, which is shorter at the end of the file. */
async function readOnPool(fd: number, buffer: Buffer, position: number): Promise<Buffer> {
  const { length } = buffer
  let at = 0
  while (at < length) {
    const count = await call<number>((done) =>
      fs.read(fd, buffer, at, length - at, position + at, done),
    )
    if (count === 0) break
    at += count
  }
  return buffer.subarray(0, at)
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

/** Returns the remaining chunks after a partial write of `count` bytes. */
function withoutFirst(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip))
    skip = Math.max(0, skip - chunk.length)
  }
  return rest
}
