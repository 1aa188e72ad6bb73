import fs from 'node:fs'
import type { BufferPool } from '../base/buffer-pool.ts'
import type { Sendfile, SocketDescriptor } from '../base/sendfile.ts'
import type { File } from './disk.ts'
import { asDiskError, attempt, call } from './disk-attempt.ts'
import type { IoPace, IoPaces } from './io-pace.ts'
import { firstRoomAt, type Growing, type RoomAhead } from './room-ahead.ts'

/** What the files of a disk share. */
export interface SharedByFiles {
  readonly openFiles: OpenFiles
  readonly paces: IoPaces
  readonly pool: BufferPool
  readonly room: RoomAhead
  readonly sendfile: {
    readonly load: () => Promise<Sendfile | null>
    /** Undefined until somebody has waited for it. */
    loaded: Sendfile | null | undefined
  }
}

/** Of a file that `OpenFiles` does not hold. */
const neverMoved = Number.NEGATIVE_INFINITY

/** A file of the real disk: at once where the page cache is quick, on the thread pool where it is not. */
export class NodeFile implements File, Growing {
  path: string
  /** The open descriptor, or its being on the way; null while nobody needs one. */
  private descriptor: number | Promise<number> | null = null
  /** For `OpenFiles` alone. */
  movedAtUse = neverMoved
  private users = 0
  /** Beyond this end it asks for room ahead. */
  private roomUntil = firstRoomAt
  private whenIdle: (() => void)[] = []
  private readonly shared: SharedByFiles

  constructor(path: string, shared: SharedByFiles) {
    this.path = path
    this.shared = shared
  }

  get isIdle(): boolean {
    return this.users === 0
  }

  write(chunks: readonly Uint8Array[], position: number): Promise<void> | null {
    const { shared } = this
    const pace = shared.paces.write
    const bytes = bytesOf(chunks)
    const fd = this.descriptorNow(pace, bytes)
    if (fd === null) return this.writeLater(chunks, position)
    // The way of almost every append.
    try {
      const count = pace.inline(() => writeSome(fd, chunks, position))
      shared.openFiles.used(this)
      const end = position + count
      if (end > this.roomUntil)
        this.roomUntil = pace.inline(() => shared.room.extend(this, fd, end))
      if (count === bytes) return null
      return this.writeLater(withoutFirst(chunks, count), position + count)
    } catch (error) {
      return Promise.reject(asDiskError('write', this.path, error))
    }
  }

  private writeLater(chunks: readonly Uint8Array[], position: number): Promise<void> {
    return this.use('write', true, (fd) => writeOnPool(fd, chunks, position))
  }

  read(position: number, length: number): Buffer | Promise<Buffer> {
    const { shared } = this
    const pace = shared.paces.read
    const fd = this.descriptorNow(pace, length)
    if (fd === null) return this.readLater(position, length)
    try {
      const buffer = shared.pool.acquire(length)
      const count = pace.inline(() => fs.readSync(fd, buffer, 0, length, position))
      shared.openFiles.used(this)
      // Less than was asked for: the file ends there, or there is more to come.
      if (count < length && count > 0) return this.readLater(position, length)
      return buffer.subarray(0, count)
    } catch (error) {
      return Promise.reject(asDiskError('read', this.path, error))
    }
  }

  private readLater(position: number, length: number): Promise<Buffer> {
    return this.use('read', false, async (fd) => {
      const buffer = this.shared.pool.acquire(length)
      let at = 0
      while (at < length) {
        const count = await call<number>((done) =>
          fs.read(fd, buffer, at, length - at, position + at, done),
        )
        if (count === 0) break
        at += count
      }
      return buffer.subarray(0, at)
    })
  }

  send(to: SocketDescriptor, position: number, length: number): number | Promise<number> {
    const { shared } = this
    const sendfile = shared.sendfile.loaded
    if (sendfile === null) return -1
    const pace = shared.paces.read
    const fd = this.descriptorNow(pace, length)
    if (fd === null || sendfile === undefined) return this.sendLater(to, position, length)
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
        : loaded.later(to, fd, position, length),
    )
  }

  async truncate(size: number): Promise<void> {
    this.shared.room.forget(this)
    this.roomUntil = firstRoomAt
    await this.use('truncate', true, (fd) => call((done) => fs.ftruncate(fd, size, done)))
  }

  giveRoomBack(): boolean {
    const { descriptor } = this
    // At once, and while nobody writes: what is cut off must be what stands behind the end.
    if (this.users > 0 || typeof descriptor !== 'number') return false
    this.roomUntil = firstRoomAt
    if (!this.shared.room.forget(this)) return true
    try {
      const { size, atime, mtime } = fs.fstatSync(descriptor)
      fs.ftruncateSync(descriptor, size)
      fs.futimesSync(descriptor, atime, mtime)
    } catch {
      // The blocks stay with the file, which is whole without it, and go with it.
    }
    return true
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
    this.giveRoomBack()
    const { descriptor } = this
    if (descriptor === null) return
    this.descriptor = null
    const fd = await descriptor
    await attempt('close', this.path, () => call((done) => fs.close(fd, done)))
  }

  /** The descriptor if what it is wanted for may be done at once; else null. */
  private descriptorNow(pace: IoPace, bytes: number): number | null {
    const { descriptor } = this
    return typeof descriptor === 'number' && pace.mayBeInline(bytes) ? descriptor : null
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
      // A failing close of a descriptor that nobody uses loses nothing: syncs are explicit.
      oldest.close().catch(() => {})
      return
    }
  }

  forget(file: NodeFile): void {
    file.movedAtUse = neverMoved
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
