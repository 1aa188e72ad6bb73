import type { Disk } from '../storage/disk.ts'

/** A file `<end offset>-<epoch>.checkpoint`: all that the metadata log said below its end offset. */
export interface SnapshotFile {
  readonly path: string
  readonly endOffset: number
  readonly epoch: number
}

/** The newest snapshot in the metadata directory; null when there is none. */
export async function newestSnapshot(disk: Disk, dir: string): Promise<SnapshotFile | null> {
  let newest: SnapshotFile | null = null
  for (const { name } of (await disk.list(dir)) ?? []) {
    const parts = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name)
    if (parts === null) continue
    const found = { path: `${dir}/${name}`, endOffset: Number(parts[1]), epoch: Number(parts[2]) }
    if (newest === null || found.endOffset > newest.endOffset) newest = found
  }
  return newest
}
