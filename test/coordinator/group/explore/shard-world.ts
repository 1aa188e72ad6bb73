import { isDeepStrictEqual } from 'node:util'
import { silentLogger } from '../../../../src/base/logger.ts'
import type { ClientCommand, GroupCommand, To } from '../../../../src/coordinator/group/commands.ts'
import { type GroupConfig, groupConfigDefaults } from '../../../../src/coordinator/group/config.ts'
import {
  fromKeyValue,
  type GroupRecord,
  toKeyValue,
} from '../../../../src/coordinator/group/records.ts'
import { GroupShard } from '../../../../src/coordinator/group/shard.ts'
import { ApiError } from '../../../../src/protocol/errors.ts'
import { Topics } from '../groups.ts'

interface SetTimer {
  readonly atMs: number
  readonly command: GroupCommand
}

/** A shard with its log and timers; time advances from one timer to the next. */
export class ShardWorld {
  readonly topics = new Topics()
  readonly timers = new Map<string, SetTimer>()
  readonly log: { readonly key: Buffer; readonly value: Buffer | null }[] = []
  private readonly config: GroupConfig
  private readonly waiting = new Set<(refusal: ApiError) => void>()
  nowMs = 1_700_000_000_000
  shard: GroupShard

  constructor(config: Partial<GroupConfig>) {
    this.config = { ...groupConfigDefaults, ...config }
    this.topics.add('t', 2)
    this.shard = this.loaded()
  }

  /** Requests without an answer so far. */
  get waitingCount(): number {
    return this.waiting.size
  }

  /** Sends a request; `told` is called with the answer or the error. */
  send<T>(make: (to: To<T>) => ClientCommand, told: (answer: T | ApiError) => void): void {
    const refuse = (refusal: ApiError) => told(refusal)
    let isAnswered = false
    const command = make((answer) => {
      if (isAnswered) throw new Error('a request was answered twice')
      isAnswered = true
      this.waiting.delete(refuse)
      told(answer)
    })
    this.submit(command)
    if (!isAnswered) this.waiting.add(refuse)
  }

  submit(command: GroupCommand): void {
    const { records, replies, timers } = this.shard.decide(command, this.nowMs)
    for (const record of records) {
      if (record.type !== 'TransactionMarker') this.log.push(toKeyValue(record))
      this.shard.replay(record)
    }
    for (const { key, atMs, command: then, onlyIfAbsent } of timers) {
      if (atMs === null) this.timers.delete(key)
      else if (!(onlyIfAbsent && this.timers.has(key))) {
        this.timers.set(key, { atMs, command: then! })
      }
    }
    for (const { to, body } of replies) to(body)
  }

  /** Returns the next timer, or null. The cleaner's timer is excluded. */
  nextTimer(): string | null {
    let next: string | null = null
    for (const [key, { atMs }] of this.timers) {
      if (key === 'clean-up') continue
      if (next === null || atMs < this.timers.get(next)!.atMs) next = key
    }
    return next
  }

  ring(): void {
    const key = this.nextTimer()
    if (key === null) return
    const { atMs, command } = this.timers.get(key)!
    this.timers.delete(key)
    this.nowMs = Math.max(this.nowMs, atMs)
    this.submit(command)
  }

  /** Replaces the shard by one loaded from its log, as after a failed append. */
  crash(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    this.timers.clear()
    this.shard = this.loaded()
    for (const refuse of waiting) refuse(new ApiError('NOT_COORDINATOR'))
  }

  private loaded(): GroupShard {
    const shard = this.replayed()
    this.shard = shard
    this.submit({ kind: 'loaded' })
    return shard
  }

  private replayed(): GroupShard {
    const { config, topics } = this
    const shard = new GroupShard({ config, logger: silentLogger, topics })
    for (const row of this.log) shard.replay(fromKeyValue(row) as GroupRecord)
    return shard
  }

  /** Checks that the state of the shard is the state of its log. */
  checkReplay(): void {
    const again = this.replayed().hardState()
    if (isDeepStrictEqual(this.shard.hardState(), again)) return
    throw new Error('the log says something else than the shard')
  }

  /** Timers in the order of their times. */
  timerOrder(): string[] {
    return [...this.timers.keys()]
      .filter((key) => key !== 'clean-up')
      .sort((a, b) => this.timers.get(a)!.atMs - this.timers.get(b)!.atMs || (a < b ? -1 : 1))
  }
}
