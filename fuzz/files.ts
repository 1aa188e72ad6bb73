import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BadProperties, parseProperties } from '../src/server/config/properties.ts'
import { parseCheckpoint, writeCheckpoint } from '../src/storage/checkpoints.ts'
import { DamagedFile } from '../src/storage/damaged-file.ts'
import { MemoryDisk } from '../src/storage/memory-disk.ts'
import { readMetaProperties } from '../src/storage/meta-properties.ts'
import { readPartitionMetadata } from '../src/storage/partition-metadata.ts'
import { projectRoot } from '../test/compat/project-root.ts'
import { claim, type Target } from './target.ts'

const dataDir = join(projectRoot, 'test', 'golden', 'data-dir')

/** The small text files of a data directory, and server.properties. */
export const textFiles: Target = {
  name: 'files',
  seeds: () => [
    readFileSync(join(dataDir, 'meta.properties')),
    readFileSync(join(dataDir, 'replication-offset-checkpoint')),
    readFileSync(join(dataDir, 't-0', 'leader-epoch-checkpoint')),
    readFileSync(join(dataDir, 't-0', 'partition.metadata')),
    Buffer.from('a.b = c\\\n d\n# no\n! no\nkey:value\nu=\\u00e9\n'),
  ],
  run: async (input) => {
    const text = input.toString('utf8')
    for (const columns of [2, 3]) {
      const rows = parseCheckpoint(text, columns)
      if (rows === null) continue
      const again = parseCheckpoint(writeCheckpoint(rows.map((row) => row.join(' '))), columns)
      claim(JSON.stringify(rows) === JSON.stringify(again), 'a checkpoint changes when written')
    }
    try {
      parseProperties(text)
    } catch (error) {
      if (!(error instanceof BadProperties)) throw error
    }
    const disk = new MemoryDisk(() => 0)
    await disk.makeDirectory('d')
    await disk.writeFileAtomically('d/meta.properties', input)
    await disk.writeFileAtomically('d/partition.metadata', input)
    for (const read of [readMetaProperties, readPartitionMetadata]) {
      await read(disk, 'd').catch((error: unknown) => {
        if (!(error instanceof DamagedFile)) throw error
      })
    }
  },
}
