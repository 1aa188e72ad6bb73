import { DamagedFile } from './damaged-file.ts'
import type { Disk } from './disk.ts'

/** Identity of a log directory (Kafka's `MetaProperties`, version 1). */
export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Null in a directory written before KIP-858; an id is added then. */
  readonly directoryId: string | null
}

export const metaPropertiesFile = 'meta.properties'

/**
 * Reads `meta.properties`; returns null if the file does not exist.
 *
 * @throws DamagedFile if it does not name the owner in a version that Apache Kafka 4.4 accepts
 * (`MetaPropertiesEnsemble`): formatting the directory as new would lose its data.
 */
export async function readMetaProperties(disk: Disk, dir: string): Promise<MetaProperties | null> {
  const path = `${dir}/${metaPropertiesFile}`
  const content = await disk.readFile(path)
  if (content === null) return null
  const fail = (why: string): never => {
    throw new DamagedFile(path, why)
  }
  const values = valuesIn(content.toString('utf8'))
  const version = values.get('version') ?? '0'
  // Version 0 was used with ZooKeeper and has no node id.
  if (version === '0') fail('it names no version and no node.id')
  if (version !== '1') fail(`its version ${version} is not known`)
  const clusterId = values.get('cluster.id') ?? fail('it names no cluster.id')
  const nodeId = values.get('node.id') ?? fail('it names no node.id')
  if (!/^[+-]?\d+$/.test(nodeId)) fail(`its node.id ${nodeId} is no number`)
  const directoryId = values.get('directory.id') ?? null
  if (directoryId !== null && !isUuid(directoryId)) {
    fail(`its directory.id ${directoryId} is no id`)
  }
  return { clusterId, nodeId: Number(nodeId), directoryId }
}

function valuesIn(text: string): Map<string, string> {
  const lines = text.split(/\r\n|\r|\n/).filter((line) => /^\s*[^#!\s][^=]*=/.test(line))
  return new Map(
    lines.map((line) => {
      const at = line.indexOf('=')
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
    }),
  )
}

/** A UUID as Kafka writes it: 16 bytes in URL-safe base64. */
const isUuid = (text: string) => /^[A-Za-z0-9_-]{22}(==)?$/.test(text)

export function writeMetaProperties(
  disk: Disk,
  dir: string,
  options: MetaProperties & { readonly directoryId: string },
): Promise<void> {
  const lines = [
    '#',
    `node.id=${options.nodeId}`,
    `directory.id=${options.directoryId}`,
    'version=1',
    `cluster.id=${options.clusterId}`,
    '',
  ]
  return disk.writeFileAtomically(`${dir}/${metaPropertiesFile}`, Buffer.from(lines.join('\n')))
}
