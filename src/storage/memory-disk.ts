import { once } from '../base/once.ts'
import {
  type DirectoryEntry,
  type DirectoryLock,
  DirectoryLocked,
  type Disk,
  DiskError,
  type DiskSpace,
  type File,
} from './disk.ts'

/** Block size of a file in bytes; only the first block starts smaller and doubles. */
const blockBytes = 256 * 1024
const firstBlockBytes = 256

/**
 * The content of one file. A small file takes about its size; a large one wastes at most a block.
 */
class Content {
  private readonly blocks: Buffer[] = []
  size = 0
  modifiedMs: number

  constructor(nowMs: number) {
    this.modifiedMs = nowMs
  }

  write(bytes: Uint8Array, position: number): void {
    let from = 0
    while (from < bytes.length) {
      const at = (position + from) % blockBytes
      const count = Math.min(bytes.length - from, blockBytes - at)
      const block = this.block(Math.floor((position + from) / blockBytes), at + count)
      block.set(bytes.subarray(from, from + count), at)
      from += count
    }
    this.size = Math.max(this.size, position + bytes.length)
  }

  /** Returns a view if the bytes are in one block, otherwise a copy. */
  read(position: number, length: number): Buffer {
    const end = Math.min(position + length, this.size)
    const parts: Buffer[] = []
    for (let from = position; from < end; ) {
      const index = Math.floor(from / blockBytes)
      const to = Math.min(end, (index + 1) * blockBytes)
      const start = index * blockBytes
      parts.push(this.block(index, to - start).subarray(from - start, to - start))
      from = to
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  truncate(size: number): void {
    const index = Math.floor(size / blockBytes)
    this.blocks.length = Math.min(this.blocks.length, index + 1)
    const last = this.blocks[index]
    if (last !== undefined) {
      // Copied because a reader may hold a view, which the next write must not change.
      const moved = Buffer.alloc(last.length)
      last.copy(moved, 0, 0, size % blockBytes)
      this.blocks[index] = moved
    }
    this.size = size
  }

  /** Returns the block at `index` with at least `bytes` bytes of space. */
  private block(index: number, bytes: number): Buffer {
    while (this.blocks.length <= index) this.blocks.push(Buffer.alloc(0))
    const block = this.blocks[index]!
    if (block.length >= bytes) return block
    const wider = Buffer.alloc(index === 0 ? roundUp(bytes) : blockBytes)
    block.copy(wider)
    this.blocks[index] = wider
    return wider
  }
}

const roundUp = (bytes: number) => 2 ** Math.ceil(Math.log2(Math.max(bytes, firstBlockBytes)))

/**
 * An in-memory disk for `--memory` and tests; its content is lost with the process. Paths are
 * absolute and separated by `/`.
 */
export class MemoryDisk implements Disk {
  private readonly files = new Map<string, Content>()
  private readonly directories = new Map<string, Set<string>>([['/', new Set()]])
  private readonly locks = new Set<string>()
  private readonly nowMs: () => number

  /** @param nowMs wall clock (ms) for the modification times of files. */
  constructor(nowMs: () => number) {
    this.nowMs = nowMs
  }

  file(path: string): File {
    return new MemoryFile(this, path)
  }

  async create(path: string): Promise<void> {
    this.open(path)
  }

  async list(path: string): Promise<DirectoryEntry[] | null> {
    const names = this.directories.get(path)
    if (names === undefined) return null
    return [...names].map((name) => {
      const content = this.files.get(join(path, name))
      const isDirectory = content === undefined
      return { name, isDirectory, size: content?.size ?? 0, modifiedMs: content?.modifiedMs ?? 0 }
    })
  }

  async readFile(path: string): Promise<Buffer | null> {
    const content = this.files.get(path)
    return content === undefined ? null : Buffer.from(content.read(0, content.size))
  }

  async writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
    const content = this.open(path)
    content.truncate(0)
    content.write(bytes, 0)
  }

  async makeDirectory(path: string): Promise<void> {
    if (this.directories.has(path)) return
    if (path !== '/') {
      await this.makeDirectory(parentOf(path))
      this.namesIn(parentOf(path), 'create').add(nameOf(path))
    }
    this.directories.set(path, new Set())
  }

  async rename(from: string, to: string): Promise<void> {
    this.move(from, to)
  }

  async remove(path: string): Promise<void> {
    for (const name of this.directories.get(path) ?? []) await this.remove(join(path, name))
    if (this.directories.delete(path) || this.files.delete(path)) {
      this.directories.get(parentOf(path))?.delete(nameOf(path))
    }
  }

  async syncDirectory(): Promise<void> {}

  async space(): Promise<DiskSpace> {
    return { totalBytes: -1, usableBytes: -1 }
  }

  async lock(directory: string): Promise<DirectoryLock> {
    if (this.locks.has(directory)) {
      throw new DirectoryLocked(directory, 'another broker in this process')
    }
    this.locks.add(directory)
    return {
      release: async () => {
        this.locks.delete(directory)
      },
    }
  }

  /** Returns the content at `path`; creates it if missing. */
  open(path: string): Content {
    let content = this.files.get(path)
    if (content === undefined) {
      this.namesIn(parentOf(path), 'create').add(nameOf(path))
      content = new Content(this.nowMs())
      this.files.set(path, content)
    }
    return content
  }

  peek(path: string): Content | null {
    return this.files.get(path) ?? null
  }

  find(path: string): Content {
    const content = this.files.get(path)
    if (content === undefined) throw missing('read', path)
    return content
  }

  touch(content: Content): void {
    content.modifiedMs = this.nowMs()
  }

  move(from: string, to: string): void {
    const content = this.files.get(from)
    const names = this.directories.get(from)
    if (content === undefined && names === undefined) throw missing('rename', from)
    this.namesIn(parentOf(to), 'rename').add(nameOf(to))
    this.namesIn(parentOf(from), 'rename').delete(nameOf(from))
    if (content !== undefined) {
      this.files.delete(from)
      this.files.set(to, content)
      return
    }
    this.directories.set(to, new Set())
    for (const name of [...names!]) this.move(join(from, name), join(to, name))
    this.directories.delete(from)
  }

  private namesIn(directory: string, action: string): Set<string> {
    const names = this.directories.get(directory)
    if (names === undefined) throw missing(action, directory)
    return names
  }
}

class MemoryFile implements File {
  path: string
  private readonly disk: MemoryDisk
  private holders = 0
  /** The content when it was first held, because the file may be removed meanwhile. */
  private held: Content | null = null

  constructor(disk: MemoryDisk, path: string) {
    this.disk = disk
    this.path = path
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    const content = this.disk.open(this.path)
    let at = position
    for (const chunk of chunks) {
      content.write(chunk, at)
      at += chunk.length
    }
    this.disk.touch(content)
  }

  read(position: number, length: number): Buffer {
    return (this.held ?? this.disk.find(this.path)).read(position, length)
  }

  hold(): () => void {
    this.holders++
    this.held ??= this.disk.peek(this.path)
    return once(() => {
      if (--this.holders === 0) this.held = null
    })
  }

  async truncate(size: number): Promise<void> {
    this.disk.open(this.path).truncate(size)
  }

  async sync(): Promise<void> {}

  async rename(path: string): Promise<void> {
    this.disk.move(this.path, path)
    this.path = path
  }

  async close(): Promise<void> {}
}

function missing(action: string, path: string): DiskError {
  return new DiskError(action, path, Object.assign(new Error('no such file'), { code: 'ENOENT' }))
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const join = (directory: string, name: string) => `${directory === '/' ? '' : directory}/${name}`
