import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { BufferPool } from '../base/buffer-pool.ts'
import { systemClock } from '../base/clock.ts'
import { loadReserveBlocks, type ReserveBlocks } from '../base/reserve-blocks.ts'
import { loadSendfile, type Sendfile } from '../base/sendfile.ts'
import { lockDirectory } from './directory-lock.ts'
import type { DirectoryEntry, DirectoryLock, Disk, DiskSpace, File } from './disk.ts'
import { attempt, orNull } from './disk-attempt.ts'
import { IoPace, slowMs } from './io-pace.ts'
import { NodeFile, OpenFiles, type SharedByFiles } from './node-file.ts'
import { removeTree } from './node-remove.ts'
import { RoomAhead } from './room-ahead.ts'

/** Descriptors that are kept open for files nobody is using at the moment. */
const openFilesMaxDefault = 1_000

export interface NodeDiskOptions {
  readonly openFilesMax?: number
  readonly monotonicMs?: () => number
  /** Where what is read is read into. */
  readonly pool?: BufferPool
  /** How bytes go to a socket without passing through here; resolves with null for not at all. */
  readonly sendfile?: () => Promise<Sendfile | null>
  /** How files get blocks ahead of their end; resolves with null for not at all. */
  readonly reserveBlocks?: () => Promise<ReserveBlocks | null>
}

/** The real disk. */
export class NodeDisk implements Disk {
  private readonly shared: SharedByFiles

  constructor(o: NodeDiskOptions = {}) {
    const monotonicMs = o.monotonicMs ?? systemClock.monotonicMs
    this.shared = {
      openFiles: new OpenFiles(o.openFilesMax ?? openFilesMaxDefault),
      paces: {
        read: new IoPace(monotonicMs, slowMs.read, diskReads),
        write: new IoPace(monotonicMs, slowMs.write, () => null),
      },
      pool: o.pool ?? new BufferPool(),
      room: new RoomAhead({
        load: o.reserveBlocks ?? loadReserveBlocks,
        suits: isExt4,
        monotonicMs,
      }),
      sendfile: { load: o.sendfile ?? loadSendfile, loaded: undefined },
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
    return attempt('lock', directory, () => lockDirectory(directory))
  }
}

/** As statfs(2) names ext2, ext3 and ext4. */
const ext4Type = 0xef53

/** Where room ahead was found to pay. Other file systems have ways of their own, or none: tmpfs would take memory. */
function isExt4(path: string): boolean {
  try {
    return fs.statfsSync(path).type === ext4Type
  } catch {
    return false
  }
}

/** Linux and macOS count the blocks that were read from a disk, and not what came from the page cache. */
function diskReads(): number | null {
  return process.platform === 'win32' ? null : process.resourceUsage().fsRead
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
