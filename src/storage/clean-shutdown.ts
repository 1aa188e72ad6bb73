import type { Disk } from './disk.ts'
import { cleanShutdownFile } from './file-names.ts'

const version = 0

/**
 * Returns the broker epoch of a directory that was closed cleanly, -1 if its marker does not name
 * one; null if it was not closed cleanly (KIP-966). The marker is removed: the logs change from
 * here on, and a crash must not look like a clean shutdown.
 * @throws DiskError
 */
export async function takeCleanShutdown(disk: Disk, path: string): Promise<number | null> {
  const marker = `${path}/${cleanShutdownFile}`
  const content = await disk.readFile(marker)
  if (content === null) return null
  await disk.remove(marker)
  await disk.syncDirectory(path)
  return epochIn(content)
}

/** Marks a directory whose logs are all on the disk. @throws DiskError */
export function writeCleanShutdown(disk: Disk, path: string, brokerEpoch: number): Promise<void> {
  const content = Buffer.from(JSON.stringify({ version, brokerEpoch }))
  return disk.writeFileAtomically(`${path}/${cleanShutdownFile}`, content)
}

function epochIn(content: Buffer): number {
  try {
    const fields: unknown = JSON.parse(content.toString('utf8'))
    if (typeof fields !== 'object' || fields === null || !('brokerEpoch' in fields)) return -1
    return Number.isSafeInteger(fields.brokerEpoch) ? Number(fields.brokerEpoch) : -1
  } catch {
    return -1
  }
}
