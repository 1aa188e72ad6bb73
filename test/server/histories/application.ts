import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../../../fuzz/mutate.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { produce } from '../../../src/protocol/messages/00-produce.ts'
import { findCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts'
import { initProducerId } from '../../../src/protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { endTxn } from '../../../src/protocol/messages/26-end-txn.ts'
import { writeBatch } from '../../../src/protocol/records/record.ts'
import { RawClient } from '../raw-client.ts'
import type { History, Transaction } from './history.ts'

export interface ApplicationOptions {
  readonly port: number
  readonly topic: string
  readonly partitions: number
  /** Also its transactional id. */
  readonly name: string
  /** 1: before KIP-890. 2: each transaction has its own epoch. */
  readonly transactionVersion: 1 | 2
  /** Lets an EndTxn of before KIP-890 arrive late, which no broker can detect. */
  readonly letsEndCome?: boolean
  /** Sends a batch again after a lost answer, like a producer without idempotence. */
  readonly forgetsSequence?: boolean
}

const again = [
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]
/**
 * Errors of a transaction before KIP-890 when an earlier batch arrives late: the broker asks the
 * coordinator about both and compares the next batch with the lowest sequence. The application
 * aborts, as clients do.
 */
const abortable = ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'TRANSACTION_ABORTABLE']

class Abortable extends Error {}

const lateMsMax = 25
const batchesMax = 4
const recordsMax = 3

/** A transactional application that crashes, pauses, loses answers and sends requests twice. */
export class Application {
  readonly #o: ApplicationOptions
  readonly #dice: Dice
  readonly #history: History
  #client!: RawClient
  /** The connection of late requests. */
  #late!: RawClient
  #lateAnswers: Promise<unknown>[] = []
  #producer = { producerId: -1, producerEpoch: -1 }
  #sequences = new Map<number, number>()
  requests = 0

  constructor(o: ApplicationOptions, dice: Dice, history: History) {
    this.#o = o
    this.#dice = dice
    this.#history = history
  }

  async run(transactions: number): Promise<void> {
    this.#late = await RawClient.open(this.#o.port)
    await this.#retry('FindCoordinator', async () => {
      const ask = { keyType: 1, coordinatorKeys: [this.#o.name] }
      return (await this.#late.request(findCoordinator, 4, ask)).coordinators[0]!
    })
    await this.#restart()
    for (let i = 0; i < transactions; i++) await this.#transaction()
    await Promise.all(this.#lateAnswers)
    // Ends what a late AddPartitionsToTxn may have begun.
    await this.#restart()
  }

  close(): void {
    this.#client?.close()
    this.#late.close()
  }

  /** Restarts as after a crash: a new connection and epoch; an open transaction is aborted. */
  async #restart(): Promise<void> {
    this.#client?.close()
    this.#client = await RawClient.open(this.#o.port)
    const ask = { transactionalId: this.#o.name, transactionTimeoutMs: 60_000 }
    this.#producer = await this.#retry('InitProducerId', () =>
      this.#client.request(initProducerId, this.#o.transactionVersion === 1 ? 4 : 5, ask),
    )
    this.#sequences.clear()
  }

  async #transaction(): Promise<void> {
    const transaction = this.#history.begin(this.#o.name)
    const batches = 1 + this.#dice.below(batchesMax)
    const added = new Set<number>()
    for (let i = 0; i < batches; i++) {
      const partition = this.#dice.below(this.#o.partitions)
      if (this.#o.transactionVersion === 1 && !added.has(partition)) await this.#add(partition)
      added.add(partition)
      const isAppended = await this.#produce(transaction, partition).catch((error) => {
        if (!(error instanceof Abortable)) throw error
        return false
      })
      await this.#dawdle()
      if (isAppended && this.#dice.below(20) !== 0) continue
      transaction.outcome = 'aborted'
      return this.#restart()
    }
    await this.#end(transaction)
  }

  async #add(partition: number): Promise<void> {
    const body = {
      v3AndBelowTransactionalId: this.#o.name,
      v3AndBelowProducerId: this.#producer.producerId,
      v3AndBelowProducerEpoch: this.#producer.producerEpoch,
      v3AndBelowTopics: [{ name: this.#o.topic, partitions: [partition] }],
    }
    await this.#retry('AddPartitionsToTxn', async () => {
      const answer = await this.#client.request(addPartitionsToTxn, 3, body)
      const { partitionErrorCode } = answer.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!
      return { errorCode: partitionErrorCode }
    })
    if (this.#dice.below(4) !== 0) return
    void this.#comesLate(() => this.#late.request(addPartitionsToTxn, 3, body))
  }

  async #produce(transaction: Transaction, partition: number): Promise<boolean> {
    const values = Array.from({ length: 1 + this.#dice.below(recordsMax) }, () => {
      return this.#history.write(transaction, partition)
    })
    const send = (client: RawClient) => {
      const records = writeBatch({
        ...{ ...this.#producer, isTransactional: true },
        baseSequence: this.#sequences.get(partition) ?? 0,
        records: values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs: 1 })),
      })
      const next = (this.#sequences.get(partition) ?? 0) + values.length
      const body = {
        ...{ transactionalId: this.#o.name, acks: -1, timeoutMs: 10_000 },
        topicData: [{ name: this.#o.topic, partitionData: [{ index: partition, records }] }],
      }
      const version = this.#o.transactionVersion === 1 ? 11 : 12
      const request = async (by: RawClient) => {
        const { responses } = await by.request(produce, version, body)
        return responses[0]!.partitionResponses[0]!
      }
      return { next, request, answer: () => request(client) }
    }
    const first = send(this.#client)
    const isTwice = this.#dice.below(4) === 0
    // A duplicate that arrives first, at the same time, or at the end.
    if (isTwice) void this.#comesLate(() => first.request(this.#late))
    const { baseOffset } = await this.#retry('Produce', first.answer)
    this.#sequences.set(partition, first.next)
    for (const [i, value] of values.entries()) {
      this.#history.acknowledge(value, baseOffset + i)
    }
    if (this.#o.forgetsSequence !== true || this.#dice.below(8) !== 0) return true
    const second = send(this.#client)
    await this.#retry('Produce', second.answer)
    this.#sequences.set(partition, second.next)
    return true
  }

  async #end(transaction: Transaction): Promise<void> {
    const { transactionVersion, name, letsEndCome } = this.#o
    const committed = this.#dice.below(3) !== 0
    if (committed) transaction.isCommitSent = true
    const version = transactionVersion === 1 ? 4 : 5
    const body = { transactionalId: name, ...this.#producer, committed }
    const end = (by: RawClient) => by.request(endTxn, version, body)
    const isTwice = this.#dice.below(3) === 0
    const late = isTwice ? this.#comesLate(() => end(this.#late)) : null
    if (this.#dice.below(12) === 0) {
      this.#client.socket.write(this.#client.frameOf(endTxn, version, body).bytes)
      await this.#dawdle()
      transaction.outcome = committed ? 'unknown' : 'aborted'
      return this.#restart()
    }
    const answer = await this.#retry('EndTxn', () => end(this.#client))
    transaction.outcome = committed ? 'committed' : 'aborted'
    if (transactionVersion === 2) {
      if (answer.producerEpoch !== this.#producer.producerEpoch) this.#sequences.clear()
      this.#producer = answer
    } else if (letsEndCome !== true) {
      await late
    }
  }

  /** Sends the request on the other connection, now or later, and ignores its answer. */
  #comesLate(send: () => Promise<unknown>): Promise<unknown> {
    const late = sleep(this.#dice.below(2) * this.#dice.below(lateMsMax)).then(() => {
      this.requests++
      return send()
    })
    late.catch(() => {}) // `run` sees it, unless something else fails first
    this.#lateAnswers.push(late)
    return late
  }

  async #dawdle(): Promise<void> {
    if (this.#dice.below(3) === 0) await sleep(this.#dice.below(8))
  }

  async #retry<A extends { readonly errorCode: number }>(
    what: string,
    ask: () => Promise<A>,
  ): Promise<A> {
    for (;;) {
      this.requests++
      const answer = await ask()
      if (answer.errorCode === 0) return answer
      const name = errorName(answer.errorCode)
      const isOld = this.#o.transactionVersion === 1 && what === 'Produce'
      if (isOld && abortable.includes(name)) throw new Abortable(name)
      if (!again.includes(name)) throw new Error(`${this.#o.name}: ${what}: ${name}`)
      await sleep(1)
    }
  }
}
