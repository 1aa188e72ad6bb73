import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Disk } from '../../src/storage/disk.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'

/** A new directory of the real file system, removed at the end of the test file. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'odradek-'))
  afterAll(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export interface Place {
  readonly disk: Disk
  readonly dir: string
}

/** Every implementation of the disk, with a new directory each: suites run on all of them. */
export const places: Record<string, () => Promise<Place>> = {
  'the real disk': async () => ({ disk: new NodeDisk(), dir: temporaryDirectory() }),
  'the real disk with few descriptors': async () => ({
    disk: new NodeDisk({ openFilesMax: 2 }),
    dir: temporaryDirectory(),
  }),
  'the in-memory disk': async () => {
    const disk = new MemoryDisk(() => 1_700_000_000_000)
    await disk.makeDirectory('/data')
    return { disk, dir: '/data' }
  },
}
