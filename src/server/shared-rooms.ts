import type { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Disk } from '../storage/disk.ts'
import type { TailMemory } from '../storage/hot-tail.ts'
import type { Peers } from './peers.ts'

/** What all nodes of a process have in common, handed in from outside. */
export interface SharedRooms {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly disk: Disk
  readonly pool: BufferPool
  readonly tailMemory: TailMemory
  /** The brokers of the process while they run. */
  readonly peers: Peers
}

/** Steps that take back what was built, run in reverse when what follows fails. */
export type Undo = (() => Promise<unknown>)[]

/** Builds all or nothing: a failure takes back what was built before it. */
export async function allOrNothing<T>(build: (undo: Undo) => Promise<T>): Promise<T> {
  const undo: Undo = []
  try {
    return await build(undo)
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {})
    throw error
  }
}
