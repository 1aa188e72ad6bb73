import { type Disk, DiskError } from './disk.ts'

const copyBytes = 1024 * 1024

/** Moves a directory of files, by renaming where both places are of one file system. */
export async function moveDirectory(disk: Disk, from: string, to: string): Promise<void> {
  try {
    await disk.rename(from, to)
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'EXDEV') throw error
    // Until all is there it has a name that no partition has, and is cleared away after a crash.
    const partial = `${to}.copied-delete`
    await disk.remove(partial)
    await disk.makeDirectory(partial)
    for (const { name, size } of (await disk.list(from)) ?? []) {
      await copyFile(disk, `${from}/${name}`, `${partial}/${name}`, size)
    }
    await disk.syncDirectory(partial)
    await disk.rename(partial, to)
    await disk.remove(from)
  }
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
