import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Disk } from './disk.ts'
import type { LogConfig } from './log-config.ts'
import type { TailCacheBudget } from './tail-cache.ts'
import type { VerificationGuard } from './transaction-verification.ts'

export interface LogOptions {
  readonly disk: Disk
  /** The partition's directory; created if it does not exist. */
  readonly dir: string
  /** The partition's name, e.g. `topic-3`. */
  readonly name: string
  /** Called on each use, so that a changed setting takes effect at once. */
  readonly config: () => LogConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly tailCacheBudget: TailCacheBudget
  /** From the checkpoint: everything below this offset is synced. */
  readonly recoveryPoint: number
  /** From the checkpoint; 0 if it has no entry. */
  readonly logStartOffset: number
  /** Whether the last broker in this directory shut down cleanly. */
  readonly cleanShutdown: boolean
  /** Called once when a file of the log can no longer be written. */
  readonly onOffline?: (error: Error) => void
}

export interface Appended {
  readonly baseOffset: number
  readonly lastOffset: number
  /** -1 unless the topic uses LogAppendTime. For a retry, the newest time of the first attempt. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /**
   * Whether this was a retry: nothing was written, and the offsets are those of the first attempt.
   */
  readonly isDuplicate: boolean
  /**
   * Resolves when the bytes are written to the file system (and synced, if `flush.messages`
   * requires it); null if they already are.
   */
  readonly written: Promise<void> | null
}

/** Writer of a batch. Some checks apply to clients but not to coordinators or leaders. */
export type Origin = 'client' | 'coordinator' | 'replication'

/** Information on a batch in addition to its bytes. */
export interface AppendContext {
  readonly leaderEpoch: number
  readonly origin: Origin
  /**
   * Result of `beginVerification`, if a transaction may begin only after verification by the
   * coordinator; null if that returned none. Undefined if no verification is required.
   */
  readonly guard?: VerificationGuard | null | undefined
  /**
   * For markers: from version 2 on the marker's epoch must be above that of its records (KIP-890).
   */
  readonly transactionVersion?: number | undefined
}
