import { isUtf8 } from 'node:buffer'
import { DamagedFile } from './damaged-file.ts'
import type { Disk } from './disk.ts'
import { partitionMetadataFile } from './file-names.ts'

/**
 * Reads the topic id of a partition's directory; returns null if the file does not exist.
 *
 * @throws DamagedFile if the file does not start with a line for the version and one for the topic
 * id, as Apache Kafka's `PartitionMetadataReadBuffer` requires: Kafka takes the log directory
 * offline then. Further lines are ignored.
 */
export async function readPartitionMetadata(disk: Disk, dir: string): Promise<string | null> {
  const path = `${dir}/${partitionMetadataFile}`
  const content = await disk.readFile(path)
  if (content === null) return null
  if (!isUtf8(content)) throw new DamagedFile(path, 'it is no UTF-8')
  const [version = '', id = ''] = content
    .toString('utf8')
    .split(/\r\n|\r|\n/, 2)
    .map(valueIn)
  if (!/^\+?\d+$/.test(version) || Number(version) > versionMax) {
    throw new DamagedFile(path, 'its first line names no version')
  }
  const bytes = idPattern.test(id) ? Buffer.from(id, 'base64url') : zeros
  if (bytes.equals(zeros)) throw new DamagedFile(path, 'its second line names no topic_id')
  // Surplus bits in the last character of the id are ignored.
  return bytes.toString('base64url')
}

/**
 * Checks the topic id of a log with a fixed owner.
 *
 * @throws DamagedFile if it differs: Apache Kafka does not start without its metadata log.
 */
export function checkOwner(dir: string, owner: string, due: string): void {
  if (owner === due) return
  throw new DamagedFile(
    `${dir}/${partitionMetadataFile}`,
    `it names topic ${owner}, and not ${due}`,
  )
}

/** Integer.MAX_VALUE of Java. */
const versionMax = 0x7fffffff
const idPattern = /^[A-Za-z0-9_-]{22}(==)?$/
const zeros = Buffer.alloc(16)

/** Returns the value behind the only colon of a line; undefined if there is not exactly one. */
function valueIn(line: string): string | undefined {
  const parts = line.split(/:[ \t\v\f]+/)
  return parts.length === 2 ? parts[1] : undefined
}

export function writePartitionMetadata(disk: Disk, dir: string, topicId: string): Promise<void> {
  const text = `version: 0\ntopic_id: ${topicId}`
  return disk.writeFileAtomically(`${dir}/${partitionMetadataFile}`, Buffer.from(text))
}
