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
import { Refusal } from '../../../../src/protocol/errors.ts'
import { Topics } from '../groups.ts'

interface SetTimer {
  readonly atMs: number
  readonly command: GroupCommand
}

/** A shard with its log and its timers, where time moves only from one timer to the next. */
export class ShardWorld {
  readonly topics = new Topics()
  readonly timers = new Map<string, SetTimer>()
  readonly log: { readonly key: Buffer; readonly value: Buffer | null }[] = []
  private readonly config: GroupConfig
  private readonly waiting = new Set<(refusal: Refusal) => void>()
  nowMs = 1_700_000_000_000
  shard: GroupShard

  constructor(config: Partial<GroupConfig>) {
    this.config = { ...groupConfigDefaults, ...config }
    this.topics.add('t', 2)
    this.shard = this.loaded()
  }

  /** Requests that nobody has answered. */
  get waitingCount(): number {
    return this.waiting.size
  }

  /** Sends a request; `told` hears of the answer or the refusal. */
  send<T>(make: (to: To<T>) => ClientCommand, told: (answer: T | Refusal) => void): void {
    const refuse = (refusal: Refusal) => told(refusal)
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

  /** The next timer that rings, or null. The cleaner's does not count. */
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

  /** As after a failed append: the shard is dropped, and made anew from its log. */
  crash(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    this.timers.clear()
    this.shard = this.loaded()
    for (const refuse of waiting) refuse(new Refusal('NOT_COORDINATOR'))
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

  /** What the log says is what the shard is. */
  checkReplay(): void {
    const again = this.replayed().hardState()
    if (isDeepStrictEqual(this.shard.hardState(), again)) return
    throw new Error('the log says something else than the shard')
  }

  /** Timers in the order in which they ring. */
  timerOrder(): string[] {
    return [...this.timers.keys()]
      .filter((key) => key !== 'clean-up')
      .sort((a, b) => this.timers.get(a)!.atMs - this.timers.get(b)!.atMs || (a < b ? -1 : 1))
  }
}
