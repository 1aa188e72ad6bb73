import type { CoordinatorLog, KeyValue } from './coordinator-log.ts'

/**
 * Appends records that need not be written together, at most `max` in a batch. Resolves when all
 * are committed.
 */
export async function appendInParts(
  records: readonly KeyValue[],
  log: CoordinatorLog,
  max: number,
): Promise<void> {
  const appends: Promise<void>[] = []
  for (let i = 0; i < records.length; i += max) appends.push(log.append(records.slice(i, i + max)))
  await Promise.all(appends)
}
