import { ApiError } from '../../src/protocol/errors.ts'
import type { ReadBatch } from '../../src/share/aborted.ts'
import {
  type AcknowledgementBatch,
  acknowledge,
  archiveDead,
  releaseAll,
  settle,
} from '../../src/share/acknowledgement.ts'
import { acquire } from '../../src/share/acquisition.ts'
import { type Delivery, deliveryStates } from '../../src/share/delivery.ts'
import { endLocks } from '../../src/share/lock-timeout.ts'
import {
  type Change,
  SharePartition,
  type ShareRules,
  type StateBatch,
} from '../../src/share/share-partition.ts'

/** A command, and the line of it that `SharePartitions.java` understands. */
export type Command =
  | { readonly kind: 'acquire'; readonly request: Omit<Parameters<typeof acquire>[1], 'nowMs'> }
  | {
      readonly kind: 'acknowledge'
      readonly memberId: string
      readonly batches: readonly AcknowledgementBatch[]
    }
  | { readonly kind: 'release'; readonly memberId: string }
  | { readonly kind: 'start'; readonly offset: number }
  | { readonly kind: 'store'; readonly isStored: boolean }
  | { readonly kind: 'dead' }
  | { readonly kind: 'time'; readonly byMs: number }

export interface Beginning {
  readonly rules: ShareRules
  readonly startOffset: number
  readonly batches: readonly StateBatch[]
}

/** Kafka's names of the errors. */
const exceptions: Readonly<Record<string, string>> = {
  INVALID_RECORD_STATE: 'InvalidRecordStateException',
  INVALID_REQUEST: 'InvalidRequestException',
}

const flag = (is: boolean) => (is ? 1 : 0)
const kindOf = ({ isAbortMarker, isTransactional }: ReadBatch) =>
  isAbortMarker ? 'abort' : isTransactional ? 'transactional' : 'plain'

export function lineOfBeginning({ rules, startOffset, batches }: Beginning): string {
  const { attemptsMax, recordsMax, lockMs, mayRenew, hasDeadLetters } = rules
  const stored = batches.map(({ firstOffset, lastOffset, state, attempts }) =>
    [firstOffset, lastOffset, deliveryStates[state], attempts].join(),
  )
  const flags = [flag(mayRenew), flag(hasDeadLetters)]
  return ['new', attemptsMax, recordsMax, lockMs, ...flags, startOffset, stored.join(';')].join(' ')
}

export function lineOf(command: Command): string {
  switch (command.kind) {
    case 'acquire': {
      const { memberId, fetchOffset, isLimitStrict, recordsMax, rangeRecords, ...read } =
        command.request
      const batches = read.batches.map((batch) =>
        [batch.baseOffset, batch.lastOffset, batch.producerId, kindOf(batch)].join(),
      )
      const aborted = read.abortedTransactions.map(({ producerId, firstOffset }) =>
        [producerId, firstOffset].join(),
      )
      const limits = [flag(isLimitStrict), recordsMax, rangeRecords]
      const words = [
        'acquire',
        memberId,
        fetchOffset,
        ...limits,
        batches.join(';'),
        aborted.join(';'),
      ]
      return words.join(' ')
    }
    case 'acknowledge': {
      const batches = command.batches.map(({ firstOffset, lastOffset, types }) =>
        [firstOffset, lastOffset, ...types].join(),
      )
      return ['acknowledge', command.memberId, batches.join(';')].join(' ')
    }
    case 'release':
      return `release ${command.memberId}`
    case 'start':
      return `start ${command.offset}`
    case 'store':
      return `store ${command.isStored ? 'ok' : 'failed'}`
    case 'dead':
      return 'dead'
    case 'time':
      return `time ${command.byMs}`
  }
}

/** Runs commands and answers as `SharePartitions.java` does. */
export class Scripted {
  readonly partition: SharePartition
  private nowMs = 0
  private readonly writes: Change[][] = []
  private dead: Change[] = []

  constructor({ rules, startOffset, batches }: Beginning) {
    this.partition = new SharePartition({ stateEpoch: 3, startOffset, batches }, () => rules)
  }

  /** The answer to the beginning. */
  begun(): string {
    return `ok ${this.state()}`
  }

  answer(command: Command): string {
    let result: string
    try {
      result = this.run(command)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      result = `${exceptions[error.reason]}(${error.detail?.replaceAll(' ', '_')})`
    }
    return `${result} ${this.state()}`
  }

  private run(command: Command): string {
    const { partition, nowMs } = this
    switch (command.kind) {
      case 'acquire': {
        const ranges = acquire(partition, { ...command.request, nowMs })
        const texts = ranges.map((one) => `${one.firstOffset}-${one.lastOffset}x${one.attempts}`)
        return ['acquired', ...texts].join(':')
      }
      case 'acknowledge':
        return this.pending(acknowledge(partition, command.memberId, command.batches, nowMs))
      case 'release':
        return this.pending(releaseAll(partition, command.memberId, nowMs))
      case 'start':
        partition.moveStart(command.offset)
        return 'ok'
      case 'store': {
        const changes = this.writes.shift()
        if (changes === undefined) return 'none'
        this.dead.push(...settle(partition, changes, command.isStored, nowMs))
        return 'ok'
      }
      case 'dead': {
        const { dead } = this
        this.dead = []
        for (const change of dead) archiveDead(partition, change)
        if (dead.length > 0) partition.advance()
        return dead.length > 0 ? 'ok' : 'none'
      }
      case 'time': {
        this.nowMs += command.byMs
        const changes = endLocks(partition, this.nowMs)
        if (changes.length > 0) partition.advance()
        this.dead.push(...changes.filter(({ delivery }) => delivery.state === 'archiving'))
        return 'ok'
      }
    }
  }

  private pending(changes: Change[]): string {
    if (changes.length === 0) return 'ok'
    this.writes.push(changes)
    return 'pending'
  }

  private state(): string {
    const { startOffset, endOffset, terminalCount, inFlight } = this.partition
    const next = this.partition.nextFetchOffset()
    const free = this.partition.canAcquire() ? 'free' : 'full'
    const text = ({ state, attempts, memberId, isChanging }: Delivery) =>
      `${deliveryStates[state]}x${attempts}${memberId}${isChanging ? '~' : ''}`
    const batches = inFlight.all.map((batch) => {
      const each = [...batch.each()].map(([, delivery]) => text(delivery))
      return ` [${batch.firstOffset}-${batch.lastOffset} ${each.join(' ')}]`
    })
    return `${startOffset}-${endOffset} terminal ${terminalCount} next ${next} ${free}${batches.join('')}`
  }
}
