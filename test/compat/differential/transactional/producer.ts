import { fetch } from '../../../../src/protocol/messages/01-fetch.ts'
import { batchesIn } from '../../../../src/protocol/records/batch.ts'
import { readTransactionMarker } from '../../../../src/protocol/records/control.ts'
import { writeBatch } from '../../../../src/protocol/records/record.ts'
import { zeroUuid } from '../../../../src/protocol/schema.ts'
import { RawClient } from '../../../server/raw-client.ts'
import { pause, type Session } from '../session.ts'
import type { Json, JsonObject } from '../wire.ts'

type Options = JsonObject

/** Fields that differ from run to run; their values are named in the order of their appearance. */
const named = new Set(['producerId', 'ongoingTxnProducerId', 'currentTransactionalId'])
const times = new Set(['lastTimestamp', 'transactionStartTimeMs', 'logAppendTimeMs', 'timestamp'])
/** A separator: where one broker answers and the other counts anew. */
const left = new Set(['port', 'host', 'nodeId'])

interface Batch {
  readonly partition?: number
  readonly sequence?: number
  readonly count?: number
  readonly epoch?: number
  readonly producerId?: number
  readonly isTransactional?: boolean
}

/** The requests of one transactional producer, with its current id and epoch. */
export class Producer {
  readonly session: Session
  readonly topic: string
  readonly id: string
  readonly group: string
  producerId = -1
  epoch = -1
  readonly #port: number
  readonly #ids: Map<number, string>

  constructor(session: Session, topic: string, port: number, ids = new Map<number, string>()) {
    this.session = session
    this.topic = topic
    this.id = `id-of-${topic}`
    this.group = `group-of-${topic}`
    this.#port = port
    this.#ids = ids
  }

  /** Another producer of the same transactional id. */
  twin(): Producer {
    return new Producer(this.session, this.topic, this.#port, this.#ids)
  }

  async init(o: Options = {}, version = 5): Promise<JsonObject> {
    const body = {
      transactionalId: this.id,
      transactionTimeoutMs: 60_000,
      producerId: -1,
      producerEpoch: -1,
      ...o,
    }
    const answer = await this.#send('InitProducerId', version, body)
    if (answer.errorCode === 0) {
      this.producerId = Number(answer.producerId)
      this.epoch = Number(answer.producerEpoch)
    }
    return answer
  }

  /** The form of clients: one transaction, v0-v3. */
  add(o: Options = {}, version = 3, topics: Json = [{ name: this.topic, partitions: [0, 1] }]) {
    const body = {
      v3AndBelowTransactionalId: this.id,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: this.epoch,
      v3AndBelowTopics: topics,
      transactions: [],
      ...o,
    }
    return this.#send('AddPartitionsToTxn', version, body)
  }

  /** The form of brokers, v4 and v5. */
  addAsBroker(transactions: readonly Options[], version = 5) {
    const all = transactions.map((one) => ({
      transactionalId: this.id,
      producerId: this.producerId,
      producerEpoch: this.epoch,
      verifyOnly: false,
      topics: [{ name: this.topic, partitions: [0, 1] }],
      ...one,
    }))
    return this.#send('AddPartitionsToTxn', version, { transactions: all })
  }

  addOffsets(o: Options = {}, version = 4) {
    const body = { ...this.#me(), groupId: this.group, ...o }
    return this.#send('AddOffsetsToTxn', version, body)
  }

  commitOffsets(o: Options = {}, version = 5, partitions: readonly Options[] = [{}]) {
    const { topic = this.topic, ...rest } = o
    const topicId = version >= 6 ? this.session.topicId(String(topic)) : zeroUuid
    const body = {
      ...this.#me(),
      groupId: this.group,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [
        {
          name: topic,
          topicId,
          partitions: partitions.map((partition) => ({
            partitionIndex: 0,
            committedOffset: 5,
            committedLeaderEpoch: 0,
            committedMetadata: 'm',
            ...partition,
          })),
        },
      ],
      ...rest,
    }
    return this.#send('TxnOffsetCommit', version, body)
  }

  offsets(requireStable = true) {
    const topics = [{ name: this.topic, topicId: zeroUuid, partitionIndexes: [0, 1] }]
    const groups = [{ groupId: this.group, memberId: null, memberEpoch: -1, topics }]
    return this.#send('OffsetFetch', 9, { groupId: '', topics: [], groups, requireStable })
  }

  produce(o: Options & { batches?: never } = {}, version = 12, batches: readonly Batch[] = [{}]) {
    const body = {
      transactionalId: this.id,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        {
          name: this.topic,
          topicId: version >= 13 ? this.session.topicId(this.topic) : zeroUuid,
          partitionData: batches.map((batch) => ({
            index: batch.partition ?? 0,
            records: this.#records(batch).toString('base64'),
          })),
        },
      ],
      ...o,
    }
    return this.#send('Produce', version, body)
  }

  async end(committed: boolean, o: Options = {}, version = 5): Promise<JsonObject> {
    const answer = await this.#send('EndTxn', version, { ...this.#me(), committed, ...o })
    if (version >= 5 && answer.errorCode === 0) {
      this.producerId = Number(answer.producerId)
      this.epoch = Number(answer.producerEpoch)
    }
    return answer
  }

  markers(markers: readonly Options[], version = 2) {
    const all = markers.map((marker) => ({
      producerId: this.producerId,
      producerEpoch: this.epoch,
      transactionResult: true,
      topics: [{ name: this.topic, partitionIndexes: [0] }],
      coordinatorEpoch: 0,
      transactionVersion: 0,
      ...marker,
    }))
    return this.#send('WriteTxnMarkers', version, { markers: all })
  }

  describe(transactionalIds: readonly string[] = [this.id]) {
    return this.#send('DescribeTransactions', 0, { transactionalIds: [...transactionalIds] })
  }

  /** Keeps only the transactions of the scenario. */
  async list(o: Options = {}, version = 2) {
    const filter = { durationFilter: -1, transactionalIdPattern: null, ...o }
    const body = { stateFilters: [], producerIdFilters: [], ...filter }
    const answer = await this.session.send('ListTransactions', version, body, { quiet: true })
    const states = answer.transactionStates as { transactionalId: string }[]
    const mine = states.filter(({ transactionalId }) => transactionalId === this.id)
    this.#note(`ListTransactions v${version}`, { ...answer, transactionStates: mine as never })
  }

  producers() {
    const topics = [{ name: this.topic, partitionIndexes: [0, 1] }]
    return this.#send('DescribeProducers', 0, { topics })
  }

  find(version: number, keys: readonly string[] = [this.id]) {
    const body =
      version >= 4
        ? { key: '', keyType: 1, coordinatorKeys: [...keys] }
        : { key: keys[0]!, keyType: version >= 1 ? 1 : 0, coordinatorKeys: [] }
    return this.#send('FindCoordinator', version, body)
  }

  /** Offsets by time, -1 for the end, within the isolation level. */
  async ends(isolationLevel: number, version = 7) {
    const partitions = [0, 1].map((partitionIndex) => ({
      partitionIndex,
      currentLeaderEpoch: -1,
      timestamp: -1,
    }))
    const topics = [{ name: this.topic, partitions }]
    return this.#send('ListOffsets', version, { replicaId: -1, isolationLevel, topics })
  }

  /** Partition 0 from an offset on, batch by batch. */
  async fetch(isolationLevel: number, version = 12, fetchOffset = 0): Promise<void> {
    const client = await RawClient.open(this.#port)
    const answer = await client.request(fetch, version, {
      maxWaitMs: 0,
      minBytes: 0,
      isolationLevel,
      topics: [
        {
          topic: this.topic,
          topicId: this.session.topicId(this.topic),
          partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_000_000 }],
        },
      ],
      forgottenTopicsData: [],
    })
    client.close()
    const partitions = answer.responses.flatMap((topic) =>
      topic.partitions.map(({ records, ...rest }) => ({
        errorCode: rest.errorCode,
        highWatermark: rest.highWatermark,
        lastStableOffset: rest.lastStableOffset,
        abortedTransactions: (rest.abortedTransactions as unknown as Json) ?? null,
        batches: batches(records ?? Buffer.alloc(0)),
      })),
    )
    this.#note(`Fetch v${version} at level ${isolationLevel}`, {
      errorCode: answer.errorCode,
      partitions: partitions as unknown as Json,
    })
  }

  /** Waits until no transaction is being completed. */
  async settled(): Promise<void> {
    for (let i = 0; i < 400; i++) {
      const answer = await this.session.send(
        'DescribeTransactions',
        0,
        { transactionalIds: [this.id] },
        { quiet: true },
      )
      const [state] = answer.transactionStates as { transactionState: string }[]
      if (!state!.transactionState.startsWith('Prepare')) return
      await pause(10)
    }
    throw new Error(`${this.id} is not settled`)
  }

  /**
   * Repeats the request while an earlier transaction is being completed; keeps only the last
   * answer.
   */
  async patiently(ask: () => Promise<JsonObject>): Promise<JsonObject> {
    return this.session.until(({ errorCode }) => errorCode !== 51, ask)
  }

  #me() {
    const { id: transactionalId, producerId, epoch: producerEpoch } = this
    return { transactionalId, producerId, producerEpoch }
  }

  #records(o: Batch): Buffer {
    const value = Buffer.from('v')
    return writeBatch({
      records: Array.from({ length: o.count ?? 1 }, () => ({
        key: null,
        value,
        timestampMs: 1_700_000_000_000,
      })),
      producerId: o.producerId ?? this.producerId,
      producerEpoch: o.epoch ?? this.epoch,
      baseSequence: o.sequence ?? 0,
      isTransactional: o.isTransactional ?? true,
    })
  }

  async #send(api: string, version: number, body: JsonObject): Promise<JsonObject> {
    try {
      const answer = await this.session.send(api, version, body, { quiet: true })
      this.#note(`${api} v${version}`, answer)
      return answer
    } catch (error) {
      this.session.note(`${api} v${version}`, 'hung up')
      throw error
    }
  }

  #note(label: string, answer: JsonObject): void {
    this.session.note(label, this.#plain(answer, ''))
  }

  #plain(value: Json, field: string): Json {
    if (typeof value === 'number') {
      if (left.has(field)) return value < 0 ? value : 'some'
      if (value < 0 || !Number.isFinite(value)) return value
      if (times.has(field)) return value > 0 ? 'some time' : value
      if (!named.has(field)) return value
      const known = this.#ids.get(value) ?? `producer ${this.#ids.size}`
      this.#ids.set(value, known)
      return known
    }
    if (typeof value === 'string' && left.has(field)) return value === '' ? '' : 'some'
    if (Array.isArray(value)) return value.map((each) => this.#plain(each, field))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, this.#plain(each, key)]),
    )
  }
}

function batches(records: Buffer) {
  return [...batchesIn(records)].map((batch) => ({
    baseOffset: batch.baseOffset,
    recordCount: batch.recordCount,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    marker: batch.isControl ? (readTransactionMarker(batch) as unknown as Json) : null,
  }))
}
