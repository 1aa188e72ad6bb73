import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Disk } from './disk.ts'
import type { TailMemory } from './hot-tail.ts'
import type { LogConfig } from './log-config.ts'
import type { VerificationGuard } from './verification.ts'

export interface LogOptions {
  readonly disk: Disk
  /** The partition's directory; created if it is not there. */
  readonly dir: string
  /** `topic-3` */
  readonly name: string
  /** Asked whenever it matters, so that a changed setting takes effect at once. */
  readonly config: () => LogConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly tailMemory: TailMemory
  /** From the checkpoint: everything below is known to be on disk. */
  readonly recoveryPoint: number
  /** From the checkpoint; 0 if it says nothing. */
  readonly logStartOffset: number
  /** Whether the broker that wrote here last stopped in order. */
  readonly cleanShutdown: boolean
  /** Told once when a file of the log can no longer be written. */
  readonly onOffline?: (error: Error) => void
}

export interface Appended {
  readonly baseOffset: number
  readonly lastOffset: number
  /** -1 unless the topic's timestamps are of log append time; of a retry, the first try's newest. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** A retry: nothing was written, the offsets are those of the first try. */
  readonly isDuplicate: boolean
  /**
   * Resolves when the bytes are handed to the file system (and synced, if `flush.messages` says so); null
   * where they are.
   */
  readonly written: Promise<void> | null
}

/** Who wrote a batch: what is asked of a client is not asked of a coordinator or a leader. */
export type Origin = 'client' | 'coordinator' | 'replication'

/** What is known of a batch beside its bytes. */
export interface AppendContext {
  readonly leaderEpoch: number
  readonly origin: Origin
  /**
   * Set where a transaction may begin only with the coordinator's word: what `beginVerification` gave,
   * null where it gave nothing. Left out, a transaction may begin freely.
   */
  readonly guard?: VerificationGuard | null | undefined
  /** Of a marker: from 2 on its epoch must be above that of the records which it ends (KIP-890). */
  readonly transactionVersion?: number | undefined
}
