import { zeroUuid } from '../protocol/schema.ts'

/** Ids that stand for no directory (Kafka's `DirectoryId`, KIP-858). */
export const directoryIds = {
  /** The broker chooses among several directories and reports back. */
  unassigned: zeroUuid,
  lost: 'AAAAAAAAAAAAAAAAAAAAAQ',
  migrating: 'AAAAAAAAAAAAAAAAAAAAAg',
} as const

/** Whether a broker with the directories `online` can use a replica in directory `id`. */
export function isOnlineDirectory(id: string | undefined, online: readonly string[]): boolean {
  if (id === undefined || id === directoryIds.unassigned || id === directoryIds.migrating)
    return true
  if (id === directoryIds.lost) return false
  return online.length === 0 || online.includes(id)
}
