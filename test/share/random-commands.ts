import type { ReadBatch } from '../../src/share/aborted.ts'
import type { AcknowledgementBatch } from '../../src/share/acknowledgement.ts'
import type { SharePartition, StateBatch } from '../../src/share/share-partition.ts'
import { seeded } from '../seeded.ts'
import type { Beginning, Command } from './scripted.ts'

const logEnd = 60
const members = ['a', 'b', 'c']

/** Random commands for a share partition, most of which make sense in its present state. */
export class RandomCommands {
  private readonly random: () => number
  /** The batches of the log; compaction has removed some. */
  private readonly log: ReadBatch[] = []

  constructor(seed: number) {
    this.random = seeded(seed)
    for (let base = 0; base < logEnd; ) {
      const length = 1 + this.below(6)
      const kind = this.below(10)
      const isAbortMarker = kind === 0
      const lastOffset = isAbortMarker ? base : base + length - 1
      const isTransactional = kind < 4
      const producerId = isTransactional ? this.below(2) : -1
      if (this.below(8) > 0) {
        this.log.push({ baseOffset: base, lastOffset, producerId, isTransactional, isAbortMarker })
      }
      base = lastOffset + 1
    }
  }

  beginning(): Beginning {
    const rules = {
      attemptsMax: 1 + this.below(6),
      recordsMax: 1 + this.below(30),
      lockMs: 100,
      mayRenew: this.below(4) > 0,
      hasDeadLetters: this.below(3) === 0,
    }
    const startOffset = this.below(10)
    const batches: StateBatch[] = []
    const states = ['available', 'acknowledged', 'archived', 'archiving'] as const
    let from = startOffset + (this.below(3) === 0 ? this.below(4) : 0)
    for (let i = this.below(5); i > 0; i--) {
      const lastOffset = from + this.below(4)
      // Kafka's partition resumes the way to the dead letter queue, which is up to the caller here.
      const state = states[this.below(3)]!
      batches.push({ firstOffset: from, lastOffset, state, attempts: 1 + this.below(3) })
      from = lastOffset + 1 + (this.below(3) === 0 ? this.below(3) : 0)
    }
    return { rules, startOffset, batches }
  }

  next(partition: SharePartition): Command {
    const memberId = members[this.below(members.length)]!
    const dice = this.below(100)
    if (dice < 35) return this.acquiring(partition, memberId)
    if (dice < 70) return { kind: 'acknowledge', memberId, batches: this.acknowledging(partition) }
    if (dice < 84) return { kind: 'store', isStored: this.below(4) > 0 }
    if (dice < 89) return { kind: 'time', byMs: 1 + this.below(70) }
    if (dice < 93) return { kind: 'dead' }
    if (dice < 97) return { kind: 'release', memberId }
    return { kind: 'start', offset: partition.startOffset + this.below(6) }
  }

  private acquiring(partition: SharePartition, memberId: string): Command {
    const isOdd = this.below(10) === 0
    const fetchOffset = isOdd ? this.below(logEnd) : partition.nextFetchOffset()
    const from = this.log.findIndex(({ lastOffset }) => lastOffset >= fetchOffset)
    const batches = from < 0 ? [] : this.log.slice(from, from + 1 + this.below(5))
    const isCommitted = this.below(3) === 0
    const abortedTransactions = isCommitted
      ? batches
          .filter(({ isTransactional }) => isTransactional && this.below(2) === 0)
          .map(({ producerId, baseOffset }) => ({ producerId, firstOffset: baseOffset }))
      : []
    const limits = { recordsMax: this.below(12), rangeRecords: 1 + this.below(8) }
    const isLimitStrict = this.below(2) === 0
    const request = {
      memberId,
      fetchOffset,
      isLimitStrict,
      ...limits,
      batches,
      abortedTransactions,
    }
    return { kind: 'acquire', request }
  }

  private acknowledging({ startOffset, endOffset }: SharePartition): AcknowledgementBatch[] {
    const batches: AcknowledgementBatch[] = []
    let from = Math.max(0, startOffset - 2 + this.below(6))
    for (let i = 1 + this.below(2); i > 0 && from <= endOffset + 2; i--) {
      const lastOffset = from + this.below(6)
      const count = this.below(2) === 0 ? 1 : lastOffset - from + 1
      const types = Array.from({ length: count }, () => this.below(this.below(20) === 0 ? 7 : 5))
      batches.push({ firstOffset: from, lastOffset, types })
      from = lastOffset + 1 + this.below(2)
    }
    return batches
  }

  private below(n: number): number {
    return Math.floor(this.random() * n)
  }
}
