import type { Disk } from './disk.ts'

/** Whose a log directory is (`MetaProperties`, version 1). */
export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
}

const fileName = 'meta.properties'

/** null for a directory that was never formatted. */
export async function readMetaProperties(
  disk: Disk,
  dir: string,
): Promise<Partial<MetaProperties> | null> {
  const content = await disk.readFile(`${dir}/${fileName}`)
  if (content === null) return null
  const values = new Map(
    content
      .toString('utf8')
      .split(/\r?\n/)
      .filter((line) => line.includes('=') && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).trim()]),
  )
  const [clusterId, nodeId, directoryId] = ['cluster.id', 'node.id', 'directory.id'].map((key) =>
    values.get(key),
  )
  return {
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(nodeId === undefined ? {} : { nodeId: Number(nodeId) }),
    ...(directoryId === undefined ? {} : { directoryId }),
  }
}

export function writeMetaProperties(disk: Disk, dir: string, o: MetaProperties): Promise<void> {
  const lines = [
    '#',
    `node.id=${o.nodeId}`,
    `directory.id=${o.directoryId}`,
    'version=1',
    `cluster.id=${o.clusterId}`,
    '',
  ]
  return disk.writeFileAtomically(`${dir}/${fileName}`, Buffer.from(lines.join('\n')))
}
