import type { Disk } from './disk.ts'
import { partitionMetadataFile } from './file-names.ts'

/** The topic id that a partition's directory belongs to; null where the file is not there. */
export async function readPartitionMetadata(disk: Disk, dir: string): Promise<string | null> {
  const content = await disk.readFile(`${dir}/${partitionMetadataFile}`)
  const id = /^topic_id:\s*(\S{22})\s*$/m.exec(content?.toString('utf8') ?? '')
  return id?.[1] ?? null
}

export function writePartitionMetadata(disk: Disk, dir: string, topicId: string): Promise<void> {
  const text = `version: 0\ntopic_id: ${topicId}`
  return disk.writeFileAtomically(`${dir}/${partitionMetadataFile}`, Buffer.from(text))
}
