import { stackOf } from '../../base/error-text.ts'
import { runInTurns } from '../../base/turns.ts'
import { internalTopics } from '../../metadata/controller/topic-name.ts'
import { type TopicState, topicById } from '../../metadata/image.ts'
import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import {
  type ProduceRequest,
  type ProduceResponse,
  produce,
} from '../../protocol/messages/00-produce.ts'
import { Batch, batchHeaderBytes } from '../../protocol/records/batch.ts'
import { Malformed, zeroUuid } from '../../protocol/schema.ts'
import type { Committing, Partition } from '../../replication/partition.ts'
import { checkProduceRecords, InvalidRecords } from '../../storage/validate.ts'
import { mayAccess } from '../access.ts'
import { handler, type RequestContext } from '../handler.ts'
import { hintedCodes, LeaderHints } from '../leader-hints.ts'
import { distinctPartitions, inOrder } from '../produced-partitions.ts'
import type { Services } from '../services.ts'
import type { Session } from '../session.ts'
import { Admission, NotAdmitted, produceRefusal, type Support } from '../transaction-admission.ts'

type TopicData = ProduceRequest['topicData'][number]
type PartitionData = TopicData['partitionData'][number]
type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number]

const acks = { all: -1, none: 0, leader: 1 } as const
/** The client id of Kafka's own admin tools, which may write to internal topics. */
const adminClientId = '__admin_client'

/** Produce: appends in request order; answers when the records are committed. */
export const handleProduce = handler(
  produce,
  (request, context, services) => {
    if (request.acks < acks.all || request.acks > acks.leader) {
      throw new ApiError('INVALID_REQUIRED_ACKS')
    }
    const admission = admissionOf(request, context, services)
    if (admission instanceof ApiError) {
      return failedAll(request, admission.code, admission.detail)
    }
    const topicData = hasOne(request) ? request.topicData : distinctPartitions(request.topicData)
    const distinct = topicData === request.topicData ? request : { ...request, topicData }
    const ended = (begun: readonly (readonly Beginning[])[]) => {
      if (begun.every(isSettled)) return respond(distinct, begun.map(answersOf), context, services)
      return settle(request, begun, context, services).then((settled) =>
        respond(distinct, settled, context, services),
      )
    }
    const begun = beginAll(distinct, admission, context, services)
    return begun instanceof Promise ? begun.then(ended) : ended(begun)
  },
  (request, _context, code) => failedAll(request, code, null),
)

/** Whether a request is for one partition, as almost every one. */
function hasOne({ topicData }: Pick<ProduceRequest, 'topicData'>): boolean {
  return topicData.length === 1 && topicData[0]!.partitionData.length === 1
}

const hasFailed = (topic: readonly PartitionAnswer[]) =>
  topic.some(({ errorCode }) => errorCode !== 0)

/** By session: resolves once all appends of its last long request have started. */
const beginning = new WeakMap<Session, Promise<unknown>>()

/**
 * Starts all appends of a request, synchronously if that takes less than a turn. Requests of one
 * connection stay in order.
 */
function beginAll(
  request: ProduceRequest,
  admission: Admission | null,
  context: RequestContext,
  services: Services,
): Beginning[][] | Promise<Beginning[][]> {
  const before = beginning.get(context.session)
  const work = beginOneByOne(request, admission, context, services)
  const begun =
    before === undefined
      ? runInTurns(services.turns, work)
      : before.then(() => runInTurns(services.turns, work))
  if (!(begun instanceof Promise)) return begun
  const done = begun.catch(() => {})
  beginning.set(context.session, done)
  void done.then(() => {
    if (beginning.get(context.session) === done) beginning.delete(context.session)
  })
  return begun
}

/** Partitions started between two checks of the turn's time. */
const partitionsBetween = 16

function* beginOneByOne(
  request: ProduceRequest,
  admission: Admission | null,
  context: RequestContext,
  services: Services,
): Generator<void, Beginning[][]> {
  const topics: Beginning[][] = []
  let count = 0
  for (const topic of request.topicData) {
    const begun: Beginning[] = []
    for (const data of topic.partitionData) {
      begun.push(begin(topic, data, request, admission, context, services))
      if (++count % partitionsBetween === 0) yield
    }
    topics.push(begun)
  }
  return topics
}

/** Returns one error for all partitions. @throws Malformed if no response is sent (acks 0). */
function failedAll(request: ProduceRequest, code: number, errorMessage: string | null) {
  if (request.acks === acks.none) throw new Malformed('a produce request without acks failed')
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => ({
        ...failedWith(index, code),
        errorMessage,
      })),
    })),
  }
}

/** A started append: `answer` holds unless `committed` rejects; it is final if that is null. */
interface Begun {
  readonly answer: PartitionAnswer
  readonly committed: Promise<void> | null
  readonly partition: Partition | null
}

type Beginning = Begun | Promise<Begun>

/** Whether all appends are written to the file system, as in almost every request once started. */
function isSettled(topic: readonly Beginning[]): topic is Begun[] {
  return topic.every((one) => !(one instanceof Promise) && one.committed === null)
}

const answersOf = (topic: readonly Begun[]) => topic.map(({ answer }) => answer)

/** Returns the answers of each topic's partitions, after all started appends have ended. */
async function settle(
  { acks: requiredAcks }: ProduceRequest,
  begun: readonly (readonly Beginning[])[],
  context: RequestContext,
  services: Services,
): Promise<PartitionAnswer[][]> {
  const topics: PartitionAnswer[][] = []
  for (const topic of begun) {
    const answers: PartitionAnswer[] = []
    // Awaited one by one: all have started, and a combined promise would cost more.
    for (const one of topic) {
      const { answer, committed, partition } = one instanceof Promise ? await one : one
      let settled = answer
      try {
        if (committed !== null) await committed
      } catch (error) {
        // With acks 0 no response reports the failure; later requests on the connection see it.
        if (requiredAcks !== acks.none) {
          settled = refused(answer.index, error, partition, context, services)
        }
      }
      answers.push(settled)
    }
    topics.push(answers)
  }
  return topics
}

function respond(
  { acks: requiredAcks, topicData }: ProduceRequest,
  answers: readonly (readonly PartitionAnswer[])[],
  context: RequestContext,
  services: Services,
): ProduceResponse | null {
  if (requiredAcks === acks.none) return sayNothing(answers.flat())
  const hints = answers.some(hasFailed)
    ? new LeaderHints(hintedCodes.produce, context.session, services)
    : null
  const { topics, topicNames } = services.metadata.image
  const responses = topicData.map(({ name, topicId }, i) => {
    if (hints === null) return { name, topicId, partitionResponses: [...answers[i]!] }
    const known = topics.has(name) ? name : topicNames.get(topicId)
    const partitionResponses = answers[i]!.map((one) => hints.on(one, known, one.index))
    return { name, topicId, partitionResponses }
  })
  if (hints === null && hasOne({ topicData })) return { responses }
  const ordered = inOrder(responses, ({ name = '', topicId = zeroUuid }) => {
    const known = topicId === zeroUuid ? name : (topicNames.get(topicId) ?? name)
    return { id: topicId === zeroUuid ? (topics.get(name)?.id ?? zeroUuid) : topicId, name: known }
  })
  return { responses: ordered, nodeEndpoints: hints?.nodes() ?? [] }
}

/**
 * @throws Malformed after a failure: with acks 0 Kafka closes the connection to tell the client.
 */
function sayNothing(answers: readonly PartitionAnswer[]): null {
  const failed = answers.find(({ errorCode }) => errorCode !== 0)
  if (failed === undefined) return null
  throw new Malformed(`a produce request without acks failed with error ${failed.errorCode}`)
}

function failedWith(index: number, code: number): PartitionAnswer {
  return { index, errorCode: code, baseOffset: -1 }
}

/** Errors after which Kafka leaves the log start offset out (`ReplicaManager.appendToLocalLog`). */
const startsUnknown: ReadonlySet<ErrorName> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'NOT_LEADER_OR_FOLLOWER',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'KAFKA_STORAGE_ERROR',
])

/**
 * Returns a partition's error; Kafka adds a message only for unreadable bytes and single records. A
 * bug also counts for one partition only (`ReplicaManager.appendRecordsToLeader`): the request must
 * not end while other partitions still validate or write its records.
 */
function refused(
  index: number,
  thrown: unknown,
  partition: Partition | null,
  { apiVersion, clientId }: RequestContext,
  { logger }: Services,
): PartitionAnswer {
  const error =
    thrown instanceof NotAdmitted ? produceRefusal(thrown, supportOf(apiVersion)) : thrown
  if (!(error instanceof ApiError)) {
    logger.error('an append failed in the broker', {
      partition: partition?.name ?? index,
      client: clientId,
      error: stackOf(error),
    })
    const logStartOffset = partition?.logStartOffset ?? -1
    return { ...failedWith(index, errorCode('UNKNOWN_SERVER_ERROR')), logStartOffset }
  }
  const failed = failedWith(index, error.code)
  const isUnreadable = partition === null && error.reason === 'CORRUPT_MESSAGE'
  if (isUnreadable) return { ...failed, errorMessage: error.detail }
  if (partition === null || startsUnknown.has(error.reason)) return failed
  if (error instanceof NotAdmitted) return { ...failed, errorMessage: error.detail }
  const answer = { ...failed, logStartOffset: partition.logStartOffset }
  if (!(error instanceof InvalidRecords)) return answer
  const recordErrors = error.recordErrors.map((one) => ({
    batchIndex: one.batchIndex,
    batchIndexErrorMessage: one.message,
  }))
  return { ...answer, recordErrors, errorMessage: error.detail }
}

function begin(
  topicData: TopicData,
  { index, records }: PartitionData,
  request: ProduceRequest,
  admission: Admission | null,
  context: RequestContext,
  services: Services,
): Begun | Promise<Begun> {
  let partition: Partition | null = null
  const failed = (error: unknown): Begun => {
    const answer = refused(index, error, partition, context, services)
    return { answer, committed: null, partition }
  }
  try {
    const topic = findTopic(topicData, context, services)
    if (topic.partitions[index] === undefined) throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION')
    const batch = records ?? Buffer.alloc(0)
    checkProduceRecords(batch, context.apiVersion)
    checkTopic(topic, context)
    partition = services.partitions.need(topic.name, index, services.metadata.image)
    if (request.acks === acks.all) services.partitions.checkInSync(topic, index)
    const to = partition
    const appending = append(to, batch, admission, services)
    if (!(appending instanceof Promise)) return appendedTo(to, appending)
    const later = appending.then((appended) => appendedTo(to, appended), failed)
    later.catch(() => {}) // Awaited later, in order.
    return later
  } catch (error) {
    return failed(error)
  }
}

function appendedTo(partition: Partition, appended: Committing): Begun {
  const { baseOffset, logAppendTimeMs, logStartOffset, committed } = appended
  const { index } = partition
  const answer = { index, errorCode: 0, baseOffset, logAppendTimeMs, logStartOffset }
  return { answer, committed, partition }
}

const fromClient = { origin: 'client' } as const

/** Appends a batch; the first transactional one of a transaction waits for its verification. */
function append(
  partition: Partition,
  records: Buffer,
  admission: Admission | null,
  { clock }: Services,
): ReturnType<Partition['append']> {
  if (admission === null) return partition.append(records, fromClient, clock.nowMs())
  const batch = new Batch(records)
  if (!batch.isTransactional || !batch.hasProducerId) {
    return partition.append(records, fromClient, clock.nowMs())
  }
  const origin = 'client'
  const admitted = admission.admit(partition, batch.baseSequence)
  if (!(admitted instanceof Promise)) {
    return partition.append(records, { origin, ...admitted }, clock.nowMs())
  }
  return admitted.then((options) =>
    partition.append(records, { origin, ...options }, clock.nowMs()),
  )
}

function supportOf(apiVersion: number): Support {
  if (apiVersion >= 12) return 'addsPartitions'
  return apiVersion >= 11 ? 'abortableErrors' : 'oldErrors'
}

function findTopic(
  { name, topicId }: TopicData,
  context: RequestContext,
  services: Services,
): TopicState {
  const { image } = services.metadata
  const isById = context.apiVersion >= 13
  const topic = isById ? topicById(image, topicId) : image.topics.get(name)
  const known = topic?.name ?? (isById ? null : name)
  if (known !== null && !mayAccess(services, context, 'WRITE', 'topic', known)) {
    throw new ApiError('TOPIC_AUTHORIZATION_FAILED')
  }
  if (topic === undefined) {
    throw new ApiError(isById ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }
  return topic
}

function checkTopic({ name }: TopicState, { clientId }: RequestContext): void {
  if (!internalTopics.has(name) || clientId === adminClientId) return
  throw new ApiError('INVALID_TOPIC_EXCEPTION', `Cannot append to internal topic ${name}`)
}

/** Returns the verification of the request's transactional batches; null if it has none. */
function admissionOf(
  request: ProduceRequest,
  context: RequestContext,
  services: Services,
): Admission | ApiError | null {
  const { transactionalId: id } = request
  const batches = transactionalBatches(request)
  const [first] = batches
  if (first === undefined) return null
  if (id === null || !mayAccess(services, context, 'WRITE', 'transactionalId', id)) {
    return new ApiError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  }
  const { producerId, producerEpoch } = first
  if (batches.some((one) => one.producerId !== producerId || one.producerEpoch !== producerEpoch)) {
    return new ApiError(
      'INVALID_PRODUCER_ID_MAPPING',
      'Transactional records contained more than one producer ID',
    )
  }
  const producer = { transactionalId: id, producerId, producerEpoch }
  return new Admission(producer, supportOf(context.apiVersion), services)
}

function transactionalBatches({ topicData }: ProduceRequest): readonly Batch[] {
  // Hardly any request has transactional batches: the list is created on demand.
  let found: Batch[] | null = null
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (records === null || records.length < batchHeaderBytes) continue
      const batch = new Batch(records)
      if (batch.isTransactional) (found ??= []).push(batch)
    }
  }
  return found ?? none
}

const none: readonly Batch[] = []
