import { type Disk, DiskError } from './disk.ts'
import { asideOf } from './file-names.ts'

const copyBytes = 1024 * 1024

/**
 * Moves a directory of files: by renaming, or by copying if the paths are on different file
 * systems. A crash leaves at least one complete copy: an incomplete copy, and the source while it
 * is removed, have a name that no partition has and are removed at the next start.
 *
 * @param unique a unique word for such names.
 * @throws DiskError; the directory is then still at its old path.
 */
export async function moveDirectory(
  disk: Disk,
  from: string,
  to: string,
  unique: string,
): Promise<void> {
  try {
    await disk.rename(from, to)
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'EXDEV') throw error
    const partial = asideOf(to, unique)
    try {
      await copyDirectory(disk, from, partial)
    } catch (failure) {
      await disk.remove(partial).catch(() => {})
      throw failure
    }
    await disk.rename(partial, to)
    // Two file systems have no common order: the copy must be durable before the source is removed.
    await disk.syncDirectory(parentOf(to))
    const aside = asideOf(from, unique)
    await disk.rename(from, aside)
    await disk.syncDirectory(parentOf(from))
    await disk.remove(aside)
  }
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'))

async function copyDirectory(disk: Disk, from: string, to: string): Promise<void> {
  await disk.makeDirectory(to)
  for (const { name, size } of (await disk.list(from)) ?? []) {
    await copyFile(disk, `${from}/${name}`, `${to}/${name}`, size)
  }
  await disk.syncDirectory(to)
}

async function copyFile(disk: Disk, from: string, to: string, size: number): Promise<void> {
  const source = disk.file(from)
  const target = disk.file(to)
  await disk.create(to)
  try {
    for (let at = 0; at < size; at += copyBytes) {
      await target.write([await source.read(at, Math.min(copyBytes, size - at))], at)
    }
    await target.sync()
  } finally {
    await Promise.all([source.close(), target.close()])
  }
}
