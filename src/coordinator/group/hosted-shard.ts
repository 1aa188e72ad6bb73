import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Runtime } from '../../machine/runtime.ts'
import { Refusal } from '../../protocol/errors.ts'
import type { CoordinatorLog, LoadedBatch } from '../coordinator-log.ts'
import type { ClientCommand, GroupCommand, InnerCommand, To } from './commands.ts'
import { fromKeyValue, type GroupRecord, type StoredRecord, toKeyValue } from './records.ts'
import type { GroupShard } from './shard.ts'

/** After a failure the log is read anew this much later, twice as late each time. */
const reloadDelayMsMin = 100
const reloadDelayMsMax = 60_000

/** Tombstones need not be one batch: the larger masses of a deleted topic are split. */
const tombstonesMax = 1000

/**
 * One partition of `__consumer_offsets` that this broker leads: reads its log, then runs its shard;
 * after a failed append drops the shard and begins again.
 */
export class HostedShard {
  readonly leaderEpoch: number
  private readonly partition: number
  private readonly log: CoordinatorLog
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly newShard: () => GroupShard
  private runtime: Runtime<GroupCommand, GroupRecord> | null = null
  private shard: GroupShard | null = null
  /** Callers that are parked or wait for a commit. */
  private readonly waiting = new Set<(refusal: Refusal) => void>()
  private reloadDelayMs = reloadDelayMsMin
  private reload: Timer | null = null
  private closed = false

  constructor(o: {
    readonly partition: number
    readonly leaderEpoch: number
    readonly log: CoordinatorLog
    readonly clock: Clock
    readonly logger: Logger
    readonly newShard: () => GroupShard
  }) {
    this.partition = o.partition
    this.leaderEpoch = o.leaderEpoch
    this.log = o.log
    this.clock = o.clock
    this.logger = o.logger
    this.newShard = o.newShard
    void this.load()
  }

  get isLoading(): boolean {
    return this.runtime === null
  }

  /** For a checker: the shard as it is, or null while it loads. */
  get machine(): GroupShard | null {
    return this.shard
  }

  /** @throws (rejects) Refusal COORDINATOR_LOAD_IN_PROGRESS | NOT_COORDINATOR | what the shard says. */
  call<T>(command: (to: To<T>) => ClientCommand): Promise<T> {
    const { runtime } = this
    if (runtime === null) return Promise.reject(new Refusal('COORDINATOR_LOAD_IN_PROGRESS'))
    return new Promise<T>((resolve, reject) => {
      let isAnswered = false
      const answered = command((answer) => {
        isAnswered = true
        this.waiting.delete(reject)
        if (answer instanceof Refusal) reject(answer)
        else resolve(answer)
      })
      try {
        runtime.submit(answered)
      } catch {
        reject(new Refusal('UNKNOWN_SERVER_ERROR'))
        return
      }
      if (!isAnswered) this.waiting.add(reject)
    })
  }

  /** While the shard loads nothing is lost: it starts from the log and asks for itself. */
  tell(command: InnerCommand): void {
    try {
      this.runtime?.submit(command)
    } catch {
      // Reported as the shard's failure.
    }
  }

  close(): void {
    this.closed = true
    this.reload?.clear()
    this.drop()
  }

  private drop(): void {
    this.runtime?.close()
    this.runtime = null
    this.shard = null
    for (const reject of this.waiting) reject(new Refusal('NOT_COORDINATOR'))
    this.waiting.clear()
  }

  private async load(): Promise<void> {
    const shard = this.newShard()
    try {
      for await (const batch of this.log.load()) {
        if (this.closed) return
        for (const record of this.recordsOf(batch)) shard.replay(record)
      }
    } catch (error) {
      if (!this.closed) this.failed('could not load the groups of a partition', error)
      return
    }
    if (this.closed) return
    this.shard = shard
    this.reloadDelayMs = reloadDelayMsMin
    this.runtime = new Runtime({
      machine: shard,
      log: { append: (records) => this.append(records) },
      clock: this.clock,
      onFailure: (error) => this.failed('a group partition failed and is loaded anew', error),
    })
    this.tell({ kind: 'loaded' })
  }

  private failed(message: string, error: unknown): void {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.logger.error(message, { partition: `__consumer_offsets-${this.partition}`, error: why })
    this.drop()
    this.reload = this.clock.after(this.reloadDelayMs, () => void this.load())
    this.reloadDelayMs = Math.min(this.reloadDelayMs * 2, reloadDelayMsMax)
  }

  private *recordsOf(batch: LoadedBatch): Generator<GroupRecord> {
    const { producerId, producerEpoch, marker } = batch
    if (marker !== null) {
      const isCommit = marker === 'commit'
      yield { type: 'TransactionMarker', producerId, producerEpoch, coordinatorEpoch: -1, isCommit }
      return
    }
    for (const keyValue of batch.records) {
      const record = fromKeyValue(keyValue)
      if (record === null) continue
      if (batch.isTransactional && record.type === 'OffsetCommit') {
        yield { ...record, producer: { id: producerId, epoch: producerEpoch } }
      } else yield record
    }
  }

  private append(records: readonly GroupRecord[]): Promise<void> {
    const first = records[0]
    if (first?.type === 'TransactionMarker') return this.log.appendMarker(first)
    const rows = records as readonly StoredRecord[]
    const producer = first?.type === 'OffsetCommit' ? first.producer : undefined
    const keyValues = rows.map(toKeyValue)
    if (producer !== undefined) {
      const { id: producerId, epoch: producerEpoch } = producer
      return this.log.append(keyValues, { producerId, producerEpoch, isTransactional: true })
    }
    if (keyValues.length <= tombstonesMax || keyValues.some(({ value }) => value !== null)) {
      return this.log.append(keyValues)
    }
    const appends: Promise<void>[] = []
    for (let i = 0; i < keyValues.length; i += tombstonesMax) {
      appends.push(this.log.append(keyValues.slice(i, i + tombstonesMax)))
    }
    return Promise.all(appends).then(() => {})
  }
}
