import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { BufferPool } from '../base/buffer-pool.ts'
import { systemClock } from '../base/clock.ts'
import { type FileLock, loadFileLock } from '../base/file-lock.ts'
import { loadSendfile, type Sendfile } from '../base/sendfile.ts'
import { lockDirectory } from './directory-lock.ts'
import type { DirectoryEntry, DirectoryLock, Disk, DiskSpace, File } from './disk.ts'
import { attempt, orNull } from './disk-attempt.ts'
import { InlineIo, slowMs } from './inline-io.ts'
import { NodeFile, OpenFiles, type SharedByFiles } from './node-file.ts'
import { removeTree } from './node-remove.ts'

/** Number of descriptors kept open for files that are currently unused. */
const openFilesMaxDefault = 1_000

export interface NodeDiskOptions {
  readonly openFilesMax?: number
  readonly monotonicMs?: () => number
  /** Pool of buffers for reads. */
  readonly pool?: BufferPool
  /** Loads sendfile(2), which copies files to sockets in the kernel; null if unavailable. */
  readonly sendfile?: () => Promise<Sendfile | null>
  /** Loads the kernel's file locks; null if unavailable. */
  readonly fileLock?: () => Promise<FileLock | null>
}

/** The disk of the operating system. */
export class NodeDisk implements Disk {
  private readonly shared: SharedByFiles
  private readonly fileLock: () => Promise<FileLock | null>

  constructor(options: NodeDiskOptions = {}) {
    const monotonicMs = options.monotonicMs ?? systemClock.monotonicMs
    this.fileLock = options.fileLock ?? loadFileLock
    this.shared = {
      openFiles: new OpenFiles(options.openFilesMax ?? openFilesMaxDefault),
      paces: {
        read: new InlineIo(monotonicMs, slowMs.read, diskReads),
        write: new InlineIo(monotonicMs, slowMs.write, () => null),
      },
      pool: options.pool ?? new BufferPool(),
      sendfile: { load: options.sendfile ?? loadSendfile, loaded: undefined },
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
          // Symbolic links are followed: a partition may be on another disk. The target may be
          // missing because old segments are removed in the background.
          const stat = await orNull(fs.promises.stat(join(path, entry.name)))
          if (stat === null) return null
          const isDirectory = stat.isDirectory()
          return {
            name: entry.name,
            isDirectory,
            size: isDirectory ? 0 : stat.size,
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
    await attempt('create', path, () => makeDirectories(path))
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt('rename', from, () => fs.promises.rename(from, to))
  }

  async remove(path: string): Promise<void> {
    await attempt('remove', path, () => removeTree(path))
  }

  async space(path: string): Promise<DiskSpace> {
    const { bsize, blocks, bavail } = await attempt('examine', path, () => fs.promises.statfs(path))
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
  }

  async syncDirectory(path: string): Promise<void> {
    await attempt('sync', path, () => syncDirectory(path))
  }

  async lock(directory: string): Promise<DirectoryLock> {
    return attempt('lock', directory, () => lockDirectory(directory, this.fileLock))
  }
}

/**
 * Creates a directory and its missing parents. Node's recursive `mkdir` never returns if the parent
 * exists but the child cannot be created, as in /proc.
 */
async function makeDirectories(path: string): Promise<void> {
  const make = () => fs.promises.mkdir(path).then(() => true, missing)
  if (await make()) return
  const parent = dirname(path)
  if (parent !== path) await makeDirectories(parent)
  if (!(await make())) await fs.promises.mkdir(path)
}

/** Interprets a failed `mkdir`: true if the directory exists, false if its parent is missing. */
async function missing(error: NodeJS.ErrnoException): Promise<boolean> {
  if (error.code === 'ENOENT') return false
  const { path } = error
  const isThere = error.code === 'EEXIST' || error.code === 'EISDIR' || error.code === 'EROFS'
  if (isThere && path !== undefined && (await fs.promises.stat(path)).isDirectory()) return true
  throw error
}

/** Returns the blocks read from disk, without those from the page cache (Linux, macOS). */
function diskReads(): number | null {
  return process.platform === 'win32' ? null : process.resourceUsage().fsRead
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return // Windows cannot sync directories.
  const handle = await fs.promises.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
