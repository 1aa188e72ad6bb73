import { LoadedLater } from '../base/loaded-later.ts'
import type { ReserveBlocks } from '../base/reserve-blocks.ts'

/**
 * The first size at which a file asks, and by how much it grows until it asks again where it got none. Smaller files
 * get no room ahead, for there may be thousands: a broker's many quiet partitions.
 */
export const firstRoomAt = 1024 * 1024
/** A file gets a quarter of what it has, within these bounds. */
const roomBytes = { min: 2 * 1024 * 1024, max: 16 * 1024 * 1024 } as const
/** So many files have room ahead at a time: 256 MB of small ones, 2 GB at the very most. */
const filesMax = 128
/** Who has not grown for so long has its room taken when another one needs it. */
const restMs = 60_000

/** A file that grows at its end. */
export interface Growing {
  readonly path: string
  /** Has the file system take back what stands behind its end. @returns false where it is written to just now. */
  giveRoomBack(): boolean
}

export interface RoomAheadOptions {
  /** Resolves with null for no room at all. */
  readonly load: () => Promise<ReserveBlocks | null>
  /** Whether the file system of this path gains by it. */
  readonly suits: (path: string) => boolean
  readonly monotonicMs: () => number
}

/**
 * Blocks that files which grow have ahead of their end. Without them ext4 makes up its mind anew for each page that
 * is appended: whether there is room left, whose quota it is, that it will be placed later. That is a third of what
 * a write costs the kernel. Sizes of files are as they were; what was not used is given back when a file is closed
 * or ends.
 */
export class RoomAhead {
  private readonly o: RoomAheadOptions
  private readonly reserve: LoadedLater<ReserveBlocks>
  /** Who has room, and since when; those that grew longest ago first. */
  private readonly files = new Map<Growing, number>()

  constructor(o: RoomAheadOptions) {
    this.o = o
    this.reserve = new LoadedLater(o.load)
  }

  /** A file has grown to `end`. @returns beyond which end it shall ask again. */
  extend(file: Growing, descriptor: number, end: number): number {
    const mayAsk = this.reserve.now !== null && (this.files.has(file) || this.o.suits(file.path))
    if (!mayAsk) return Number.POSITIVE_INFINITY
    const reserve = this.reserve.wanted()
    if (!reserve || !this.mayHave(file)) return end + firstRoomAt
    const length = Math.min(Math.max(Math.floor(end / 4), roomBytes.min), roomBytes.max)
    if (!reserve(descriptor, end, length)) return this.giveUp()
    this.files.delete(file)
    this.files.set(file, this.o.monotonicMs())
    return end + length
  }

  /** A file has room no more. @returns whether it had. */
  forget(file: Growing): boolean {
    return this.files.delete(file)
  }

  /** Whether there is a place for one more, if need be that of a file at rest. */
  private mayHave(file: Growing): boolean {
    if (this.files.size < filesMax || this.files.has(file)) return true
    const [oldest, sinceMs] = this.files.entries().next().value!
    return this.o.monotonicMs() - sinceMs > restMs && oldest.giveRoomBack()
  }

  /** The disk may be full: nobody shall fail for what others only might need. */
  private giveUp(): number {
    this.reserve.giveUp()
    for (const file of this.files.keys()) file.giveRoomBack()
    return Number.POSITIVE_INFINITY
  }
}
