import { zeroUuid } from '../protocol/schema.ts'

/** Ids that stand for no directory (Kafka's `DirectoryId`, KIP-858). */
export const directoryIds = {
  /** The record of the partition is older than directory ids. */
  migrating: zeroUuid,
  /** The broker chooses among several directories and reports back. */
  unassigned: 'AAAAAAAAAAAAAAAAAAAAAQ',
  lost: 'AAAAAAAAAAAAAAAAAAAAAg',
} as const

/** Whether a broker with the directories `online` can use a replica in directory `id`. */
export function isOnlineDirectory(id: string | undefined, online: readonly string[]): boolean {
  if (id === undefined || id === directoryIds.unassigned || id === directoryIds.migrating)
    return true
  if (id === directoryIds.lost) return false
  return online.length === 0 || online.includes(id)
}

/** Returns directory ids in the order of Kafka's registrations (`Uuid.compareTo`). */
export function sortedDirectories(ids: readonly string[]): readonly string[] {
  if (ids.length < 2) return ids
  const keyed = ids.map((id) => {
    const bytes = Buffer.from(id, 'base64url')
    return { id, high: bytes.readBigInt64BE(0), low: bytes.readBigInt64BE(8) }
  })
  const compare = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0)
  keyed.sort((a, b) => compare(a.high, b.high) || compare(a.low, b.low))
  return keyed.map(({ id }) => id)
}
