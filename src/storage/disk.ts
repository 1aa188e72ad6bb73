import type { SocketDescriptor } from '../base/sendfile.ts'

/**
 * A file that is written at its end and read anywhere. No call opens a descriptor before it must:
 * thousands of idle files cost no descriptors. A failing call rejects with a `DiskError`.
 */
export interface File {
  readonly path: string
  /**
   * Writes all chunks, one after the other, from `position` on; creates the file if need be. Null when
   * that is done at once.
   */
  write(chunks: readonly Uint8Array[], position: number): Promise<void> | null
  /**
   * Reads `length` bytes from `position` on, fewer only where the file ends. Where the bytes are at
   * hand (an in-memory disk) the answer is not a promise, and a view on them: do not change it.
   */
  read(position: number, length: number): Buffer | Promise<Buffer>
  /**
   * Has the kernel hand bytes of the file to a socket; see `Sendfile` for what it answers. Absent where
   * a file is not the kernel's.
   */
  send?(to: SocketDescriptor, position: number, length: number): number | Promise<number>
  truncate(size: number): Promise<void>
  /** Nothing more will be written at its end: what was taken there ahead is given back. Absent where nothing is. */
  giveRoomBack?(): void
  /** Resolves when what was written before the call will survive a loss of power. */
  sync(): Promise<void>
  /** Moves the file; readers and writers of this object are not disturbed. */
  rename(path: string): Promise<void>
  /** Gives the descriptor back once what is under way has ended. The file may be used again. */
  close(): Promise<void>
}

export interface DirectoryEntry {
  readonly name: string
  readonly isDirectory: boolean
  /** Bytes; 0 for a directory. */
  readonly size: number
  /** When the content last changed, in milliseconds since the epoch. */
  readonly modifiedMs: number
}

/** -1 where there is no such limit. */
export interface DiskSpace {
  readonly totalBytes: number
  readonly usableBytes: number
}

/** Where a broker keeps its logs. `node-disk.ts` is the real one; the others are its twins. */
export interface Disk {
  /** No I/O: the file need not exist, and is created by the first write. */
  file(path: string): File
  /** Creates the file, empty, if it is not there. */
  create(path: string): Promise<void>
  /** What stands in a directory, in no order; null if there is no such directory. */
  list(path: string): Promise<DirectoryEntry[] | null>
  /** The whole content of a small file, or null if it does not exist. */
  readFile(path: string): Promise<Buffer | null>
  /**
   * Replaces a small file so that after a crash either the old or the new content stands there: a
   * `.tmp` beside it is written, synced, renamed, and the directory synced.
   *
   * @param durable false for what can be rebuilt: nothing is synced, and after a crash of the machine
   *   the file may be empty.
   */
  writeFileAtomically(path: string, content: Uint8Array, durable?: boolean): Promise<void>
  /** Creates a directory and those above it. */
  makeDirectory(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file, or a directory with all that it holds; no error if it is not there. */
  remove(path: string): Promise<void>
  /** Bytes of the file system that holds the path: all, and what this process may still take. */
  space(path: string): Promise<DiskSpace>
  /** Makes renames, creations and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>
  /**
   * Takes a directory for this broker alone, with Kafka's `.lock` file in it.
   *
   * @throws DirectoryLocked when another living process or broker has it.
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

/** A call of the operating system failed: what was tried, where, and its own code (ENOSPC, EIO …). */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  readonly code: string
  readonly path: string

  constructor(action: string, path: string, cause: unknown) {
    const code = (cause as { code?: unknown } | null)?.code
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`cannot ${action} ${path}: ${why}`, { cause })
    this.code = typeof code === 'string' ? code : 'UNKNOWN'
    this.path = path
  }
}
