import type { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Turns } from '../base/turns.ts'
import type { Carrier } from '../channel/channel.ts'
import type { Dialer } from '../channel/dialer.ts'
import type { LoopbackCarrier } from '../channel/loopback-carrier.ts'
import type { Authorizer } from '../security/authorizer.ts'
import type { Disk } from '../storage/disk.ts'
import type { TailCacheBudget } from '../storage/tail-cache.ts'
import type { Interceptor } from './interceptor.ts'
import type { Transport } from './transport.ts'

/** Dependencies that all nodes of a process share. */
export interface SharedRooms {
  readonly clock: Clock
  readonly random: Random
  readonly turns: Turns
  readonly logger: Logger
  readonly disk: Disk
  readonly pool: BufferPool
  readonly tailCacheBudget: TailCacheBudget
  /** Requests to the controllers of this process. */
  readonly controllers: LoopbackCarrier
  /** Requests to the brokers of this process. */
  readonly brokers: LoopbackCarrier
  /** Connections to nodes of other processes. */
  readonly dialer: Dialer
  /** Wraps each way of a broker to other nodes; changes nothing but in tests. */
  readonly through: (carrier: Carrier) => Carrier
  readonly transport: Transport
  /** Null for the one that the settings name. */
  readonly authorizer: Authorizer | null
}

/** Dependencies of the brokers, which serve clients. */
export interface BrokerRooms extends SharedRooms {
  readonly interceptor: Interceptor | null
}

/** Steps that undo a partial build, run in reverse if a later step fails. */
export type Undo = (() => Promise<unknown>)[]

/** Builds all or nothing: on failure it undoes the completed steps. */
export async function allOrNothing<T>(build: (undo: Undo) => Promise<T>): Promise<T> {
  const undo: Undo = []
  try {
    return await build(undo)
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {})
    throw error
  }
}
