import { isDeepStrictEqual } from 'node:util'
import { silentLogger } from '../../../../src/base/logger.ts'
import type { To } from '../../../../src/coordinator/hosted-shard.ts'
import {
  type MarkerOrder,
  type TransactionCommand,
  transactionConfigDefaults,
} from '../../../../src/coordinator/transaction/commands.ts'
import {
  fromKeyValue,
  type TransactionRecord,
  toKeyValue,
} from '../../../../src/coordinator/transaction/records.ts'
import { TransactionShard } from '../../../../src/coordinator/transaction/shard.ts'
import type { ProducerIdentity } from '../../../../src/coordinator/transaction/transaction.ts'
import { ApiError } from '../../../../src/protocol/errors.ts'
import type { World } from '../../group/explore/explorer.ts'
import { setOf } from '../transactions.ts'

/** A producer that begins a transaction, adds partitions, writes and ends it. */
interface Producer {
  identity: ProducerIdentity | null
  /** Number of its transaction; its records carry it. */
  transaction: number
  phase: 'idle' | 'open' | 'ending' | 'dead'
  added: Set<number>
  written: Set<number>
  isCommit: boolean
}

interface Written {
  readonly producerId: number
  readonly epoch: number
  readonly by: string
}

/** A partition: epochs fence, and a marker decides the records before it. */
interface Partition {
  readonly epochs: Map<number, number>
  open: Written[]
  readonly committed: string[]
  readonly aborted: string[]
}

interface Delivery extends MarkerOrder {
  readonly left: Set<number>
}

const timeoutMs = 60_000
const id = 't'

/**
 * Producers of one transactional id, partitions, time, and a coordinator whose appends can fail and
 * whose machine can be lost between any two steps.
 */
export class TransactionWorld implements World {
  private readonly version: number
  private readonly partitions: Partition[]
  private readonly producers: Producer[]
  private readonly log: { key: Buffer; value: Buffer | null }[] = []
  private shard: TransactionShard
  /** Markers in flight; void when the shard that sent them is lost. */
  private deliveries: Delivery[] = []
  private timedOut: TransactionCommand | null = null
  private nextProducerId = 1000
  private nowMs = 1_700_000_000_000
  private failsNext = false
  private crashes = 0
  /** Outcomes that a producer was told, by the records of the transaction. */
  private readonly promised = new Map<string, boolean>()
  /** A request that the network delivers once more. */
  private late: {
    readonly who: number
    readonly isCommit: boolean
    identity: ProducerIdentity
  } | null = null

  constructor(o: { producers: number; partitions: number; version: number }) {
    this.version = o.version
    this.partitions = Array.from({ length: o.partitions }, () => ({
      epochs: new Map(),
      open: [],
      committed: [],
      aborted: [],
    }))
    this.producers = Array.from({ length: o.producers }, () => ({
      identity: null,
      transaction: 0,
      phase: 'idle',
      added: new Set<number>(),
      written: new Set<number>(),
      isCommit: false,
    }))
    this.shard = this.load()
  }

  actions(): readonly string[] {
    const actions: string[] = []
    this.producers.forEach((producer, who) => {
      const { identity, phase, added, written } = producer
      if (phase === 'idle' && identity === null) actions.push(`begin ${who}`)
      if (identity !== null && (phase === 'idle' || phase === 'open')) {
        this.partitions.forEach((_, at) => {
          if (!written.has(at) && (phase === 'open' || producer.transaction < 2))
            actions.push(`write ${who} ${at}`)
        })
      }
      if (phase === 'open' && added.size > 0) actions.push(`commit ${who}`, `abort ${who}`)
      if (phase === 'ending') actions.push(`retry ${who}`)
    })
    this.deliveries.forEach(({ left }, which) => {
      for (const at of left) actions.push(`mark ${which} ${at}`)
    })
    if (this.timedOut !== null) actions.push('time out')
    if (this.late !== null) actions.push('late')
    if (this.crashes < 2) actions.push('crash')
    if (!this.failsNext && this.crashes < 2) actions.push('fail next')
    return actions
  }

  perform(action: string): void {
    const [what, a, b] = action.split(' ')
    const who = Number(a)
    switch (what) {
      case 'begin':
        return this.begin(who)
      case 'write':
        return this.write(who, Number(b))
      case 'commit':
      case 'abort':
        return this.end(who, what === 'commit')
      case 'retry':
        return this.end(who, this.producers[who]!.isCommit)
      case 'mark':
        return this.mark(who, Number(b))
      case 'time':
        return this.ring()
      case 'late':
        return this.deliverLate()
      case 'crash':
        return this.crash()
      case 'fail':
        this.failsNext = true
        return
      default:
        throw new Error(`no action ${action}`)
    }
  }

  private begin(who: number): void {
    const producer = this.producers[who]!
    this.send<ProducerIdentity>(
      (to) => ({
        kind: 'initProducerId',
        to,
        transactionalId: id,
        timeoutMs,
        expected: null,
        newProducerId: null,
      }),
      (answer) => {
        if (!(answer instanceof ApiError)) producer.identity = answer
      },
    )
  }

  /** The first record in a partition adds the partition to the transaction, or finds it there. */
  private write(who: number, at: number): void {
    const producer = this.producers[who]!
    const identity = producer.identity!
    this.send<true>(
      (to) => ({
        kind: 'addPartitions',
        to,
        transactionalId: id,
        ...identity,
        partitions: setOf({ a: [at] }),
        transactionVersion: this.version,
      }),
      (answer) => {
        if (answer instanceof ApiError) return this.refused(producer, answer)
        if (producer.phase === 'idle') {
          producer.phase = 'open'
          producer.transaction++
        }
        producer.added.add(at)
        const partition = this.partitions[at]!
        const epoch = partition.epochs.get(identity.producerId) ?? -1
        if (identity.producerEpoch < epoch) {
          producer.phase = 'dead'
          return
        }
        partition.epochs.set(identity.producerId, identity.producerEpoch)
        partition.open.push({
          producerId: identity.producerId,
          epoch: identity.producerEpoch,
          by: `${who}.${producer.transaction}`,
        })
        producer.written.add(at)
      },
    )
  }

  private end(who: number, isCommit: boolean): void {
    const producer = this.producers[who]!
    const identity = producer.identity!
    producer.phase = 'ending'
    producer.isCommit = isCommit
    this.late ??= { who, isCommit, identity }
    this.send<ProducerIdentity>(
      (to) => this.endCommand(to, identity, isCommit),
      (answer) => {
        if (answer instanceof ApiError) {
          // NOT_COORDINATOR and CONCURRENT_TRANSACTIONS: the client tries again.
          if (answer.reason === 'NOT_COORDINATOR') return
          if (answer.reason === 'CONCURRENT_TRANSACTIONS') return
          producer.phase = 'dead'
          return
        }
        this.promised.set(`${who}.${producer.transaction}`, isCommit)
        if (this.version >= 2) producer.identity = answer
        producer.phase = 'idle'
        producer.added = new Set()
        producer.written = new Set()
      },
    )
  }

  private endCommand(
    to: To<ProducerIdentity>,
    identity: ProducerIdentity,
    isCommit: boolean,
  ): TransactionCommand {
    return {
      kind: 'endTransaction',
      to,
      transactionalId: id,
      ...identity,
      isCommit,
      transactionVersion: this.version,
      newProducerId: null,
    }
  }

  private refused(producer: Producer, { reason }: ApiError): void {
    if (reason === 'PRODUCER_FENCED' || reason === 'INVALID_PRODUCER_ID_MAPPING') {
      producer.phase = 'dead'
    }
  }

  /** Delivers the same EndTxn again on another connection, after everything that happened since. */
  private deliverLate(): void {
    const { identity, isCommit } = this.late!
    this.late = null
    this.send<ProducerIdentity>(
      (to) => this.endCommand(to, identity, isCommit),
      () => {},
    )
  }

  private mark(which: number, at: number): void {
    const order = this.deliveries[which]!
    const partition = this.partitions[at]!
    const epoch = partition.epochs.get(order.producerId) ?? -1
    if (order.producerEpoch < epoch) throw new Error('a marker is older than what it ends')
    partition.epochs.set(order.producerId, order.producerEpoch)
    const mine = partition.open.filter(({ producerId }) => producerId === order.producerId)
    if (order.transactionVersion >= 2 && mine.some((one) => one.epoch >= order.producerEpoch)) {
      throw new Error('a marker does not raise the epoch of what it ends')
    }
    partition.open = partition.open.filter(({ producerId }) => producerId !== order.producerId)
    const into = order.isCommit ? partition.committed : partition.aborted
    into.push(...mine.map(({ by }) => by))
    order.left.delete(at)
    if (order.left.size === 0) this.delivered(order)
  }

  private delivered(order: Delivery): void {
    this.deliveries = this.deliveries.filter((one) => one !== order)
    const { transactionalId, producerId, producerEpoch } = order
    this.submit({ kind: 'markersWritten', transactionalId, producerId, producerEpoch })
  }

  private ring(): void {
    const command = this.timedOut!
    this.timedOut = null
    this.nowMs += timeoutMs + 1
    this.submit(command)
  }

  private crash(): void {
    this.crashes++
    this.timedOut = null
    this.deliveries = []
    this.shard = this.load()
  }

  private send<T>(make: (to: To<T>) => TransactionCommand, told: (answer: T | ApiError) => void) {
    let isAnswered = false
    const answered = (answer: T | ApiError) => {
      if (isAnswered) throw new Error('a request was answered twice')
      isAnswered = true
      told(answer)
    }
    this.submit(make(answered))
    if (!isAnswered) answered(new ApiError('NOT_COORDINATOR'))
  }

  private submit(command: TransactionCommand): void {
    const { records, replies, effects, timers } = this.shard.decide(command, this.nowMs)
    if (records.length > 0 && this.failsNext) {
      this.failsNext = false
      this.crash()
      return
    }
    for (const record of records) {
      this.log.push(toKeyValue(record, 2))
      this.shard.replay(record)
    }
    for (const { command: then, key } of timers) {
      if (key === 'abort timed out' && then !== undefined) this.timedOut ??= then
    }
    for (const { to, body } of replies) to(body)
    for (const effect of effects) {
      if (effect.kind === 'writeMarkers') this.order(effect.order)
      else this.submit({ ...effect.command, newProducerId: this.nextProducerId++ })
    }
  }

  private load(): TransactionShard {
    const shard = this.replayed()
    this.shard = shard
    this.submit({ kind: 'loaded' })
    return shard
  }

  private replayed(): TransactionShard {
    const shard: TransactionShard = new TransactionShard({
      config: transactionConfigDefaults,
      logger: silentLogger,
    })
    for (const row of this.log) shard.replay(fromKeyValue(row) as TransactionRecord)
    return shard
  }

  private order(order: MarkerOrder): void {
    const left = new Set(order.topics.flatMap(({ partitions }) => partitions))
    const delivery = { ...order, left }
    if (left.size === 0) this.delivered(delivery)
    else this.deliveries.push(delivery)
  }

  check(): void {
    if (!isDeepStrictEqual(this.shard.hardState(), this.replayed().hardState())) {
      throw new Error('the log says something else than the shard')
    }
    const committed = new Set(this.partitions.flatMap((partition) => partition.committed))
    const aborted = new Set(this.partitions.flatMap((partition) => partition.aborted))
    for (const by of committed) {
      if (aborted.has(by)) throw new Error(`transaction ${by} is torn`)
      if (this.promised.get(by) === false) throw new Error(`${by} was aborted, and is committed`)
    }
    for (const by of aborted) {
      if (this.promised.get(by) === true) throw new Error(`${by} was committed, and is aborted`)
    }
    for (const { committed: all } of this.partitions) {
      if (new Set(all).size < all.length) throw new Error('a record is committed twice')
    }
  }

  /** Ends every transaction: live producers end theirs, and the others time out. */
  settle(): void {
    this.failsNext = false
    this.crashes = 2
    this.late = null
    for (let i = 0; i < 60; i++) {
      this.check()
      const [order] = this.deliveries
      if (order !== undefined) this.mark(0, [...order.left][0]!)
      else if (this.timedOut !== null) this.ring()
      else {
        const open = this.partitions.flatMap((partition) => partition.open)
        if (open.length > 0) throw new Error('records stay undecided: they settle nowhere')
        return
      }
    }
    throw new Error('the world does not settle')
  }

  fingerprint(): string {
    const producers = this.producers.map(({ added, written, ...rest }) => ({
      ...rest,
      added: [...added].sort(),
      written: [...written].sort(),
    }))
    const deliveries = this.deliveries.map(({ left, topics: _, ...rest }) => [rest, [...left]])
    const partitions = this.partitions.map(({ epochs, ...rest }) => [[...epochs], rest])
    const { timedOut, failsNext, crashes, late } = this
    return JSON.stringify([
      this.shard.hardState(),
      [...this.shard.transactions.values()].map(({ lastProducerEpoch }) => lastProducerEpoch),
      producers,
      deliveries,
      partitions,
      timedOut !== null,
      failsNext,
      crashes,
      late,
      [...this.promised],
    ]).replaceAll(/17000\d{8}/g, 'now')
  }
}
