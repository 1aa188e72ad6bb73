import { zeroUuid } from '../protocol/schema.ts'

/** Ids that stand for no directory (Kafka's `DirectoryId`, KIP-858). */
export const directoryIds = {
  /** The record of the partition is older than directory ids. */
  migrating: zeroUuid,
  /** The broker chooses among several directories and reports back. */
  unassigned: 'AAAAAAAAAAAAAAAAAAAAAQ',
  lost: 'AAAAAAAAAAAAAAAAAAAAAg',
} as const

/** The number of ids, from 0 on, that no directory may have. */
const reservedCount = 100n

/** Whether an id stands for no directory, or may do so later (`DirectoryId.reserved`). */
export function isReservedDirectory(id: string): boolean {
  const bytes = Buffer.from(id, 'base64url')
  // The comparison is signed, as in Java.
  return bytes.readBigInt64BE(0) === 0n && bytes.readBigInt64BE(8) < reservedCount
}

/** Whether a broker with the directories `online` can use a replica in directory `id`. */
export function isOnlineDirectory(id: string | undefined, online: readonly string[]): boolean {
  if (id === undefined || id === directoryIds.unassigned || id === directoryIds.migrating)
    return true
  if (id === directoryIds.lost) return false
  return online.length === 0 || online.includes(id)
}

/** A partition of which a broker has a replica in some directory. */
export interface PlacedPartition {
  readonly topicId: string
  readonly index: number
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
