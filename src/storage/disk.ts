import { messageOf } from '../base/error-text.ts'
import type { SocketDescriptor } from '../base/sendfile.ts'

/**
 * A file that is appended to and read at any position. A descriptor is opened only when needed, so
 * idle files use none. Failing calls reject with a `DiskError`.
 */
export interface File {
  readonly path: string
  /**
   * Writes all chunks in order from `position` on; creates the file if necessary. Returns null if
   * the write is already complete.
   */
  write(chunks: readonly Uint8Array[], position: number): Promise<void> | null
  /**
   * Reads `length` bytes from `position` on; fewer only at the end of the file. If the bytes are in
   * memory (in-memory disk), returns a view of them instead of a promise: do not modify it.
   */
  read(position: number, length: number): Buffer | Promise<Buffer>
  /**
   * Lets the kernel copy bytes of the file to a socket; `Sendfile` describes the result. Undefined
   * if the file is not on a file system of the kernel.
   */
  send?(to: SocketDescriptor, position: number, length: number): number | Promise<number>
  truncate(size: number): Promise<void>
  /** Resolves when everything written before the call is durable (survives a power failure). */
  sync(): Promise<void>
  /** Renames the file; concurrent reads and writes through this object are not affected. */
  rename(path: string): Promise<void>
  /**
   * Keeps the content readable until the returned function is called, even if the file is closed
   * and removed meanwhile. For reads in several steps.
   */
  hold(): () => void
  /**
   * Closes the descriptor when pending operations have ended and no hold is left. The file can be
   * used again afterwards.
   */
  close(): Promise<void>
}

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
  /** In bytes; 0 for a directory. */
  readonly size: number
  /** Time of the last change of the content, in ms since the epoch. */
  readonly modifiedMs: number
}

/** Sizes in bytes; -1 if there is no such limit. */
export interface DiskSpace {
  readonly totalBytes: number
  readonly usableBytes: number
}

/**
 * The file system on which a broker stores its logs. `node-disk.ts` is the implementation for
 * production; the others behave the same.
 */
export interface Disk {
  /** Returns a file without I/O: it need not exist and is created by the first write. */
  file(path: string): File
  /** Creates an empty file if it does not exist. */
  create(path: string): Promise<void>
  /** Lists a directory in no particular order; null if it does not exist. */
  list(path: string): Promise<DirectoryEntry[] | null>
  /** Reads a small file completely; null if it does not exist. */
  readFile(path: string): Promise<Buffer | null>
  /**
   * Replaces a small file so that after a crash it has either the old or the new content: writes a
   * `.tmp` file, syncs it, renames it and syncs the directory.
   *
   * @param durable false for a file that can be rebuilt: nothing is synced, and after a crash of
   * the machine the file may be empty.
   */
  writeFileAtomically(path: string, content: Uint8Array, durable?: boolean): Promise<void>
  /** Creates a directory and its parents. */
  makeDirectory(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a directory with its content; no error if it does not exist. */
  remove(path: string): Promise<void>
  /** Returns the total bytes of the file system of the path and those usable by this process. */
  space(path: string): Promise<DiskSpace>
  /** Makes renames, creations and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>
  /**
   * Locks a directory for this broker with Kafka's `.lock` file.
   *
   * @throws DirectoryLocked if another living process or broker has locked it.
   */
  lock(directory: string): Promise<DirectoryLock>
}

export interface DirectoryLock {
  release(): Promise<void>
}

export class DirectoryLocked extends Error {
  override readonly name = 'DirectoryLocked'
  readonly directory: string

  constructor(directory: string, holder: string) {
    super(`${directory} is in use by ${holder}`)
    this.directory = directory
  }
}

/** A failed system call, with the action, the path and the error code (ENOSPC, EIO, …). */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: string
  readonly path: string

  constructor(action: string, path: string, cause: unknown) {
    const code = (cause as { code?: unknown } | null)?.code
    const why = messageOf(cause)
    super(`cannot ${action} ${path}: ${why}`, { cause })
    this.code = typeof code === 'string' ? code : 'UNKNOWN'
    this.path = path
  }
}
