import { internalTopics } from '../../metadata/controller/topic-name.ts'
import { type TopicState, topicById } from '../../metadata/image.ts'
import { type ErrorName, Refusal } from '../../protocol/errors.ts'
import {
  type ProduceRequest,
  type ProduceResponse,
  produce,
} from '../../protocol/messages/00-produce.ts'
import { Batch, batchHeaderBytes } from '../../protocol/records/batch.ts'
import { Malformed } from '../../protocol/schema.ts'
import type { Committing, Partition } from '../../replication/partition.ts'
import { checkProduceRecords, InvalidRecords } from '../../storage/validate.ts'
import { mayAccess } from '../access.ts'
import { Admission, NotAdmitted, produceRefusal, type Support } from '../admission.ts'
import { handler, type RequestContext } from '../handler.ts'
import { hintedCodes, LeaderHints } from '../leader-hints.ts'
import { partitionOf } from '../partition-lookup.ts'
import type { Services } from '../services.ts'

type TopicData = ProduceRequest['topicData'][number]
type PartitionData = TopicData['partitionData'][number]
type PartitionAnswer = ProduceResponse['responses'][number]['partitionResponses'][number]

const acks = { all: -1, none: 0, leader: 1 } as const
/** The client id of Kafka's own admin tools, which may write to internal topics. */
const adminClientId = '__admin_client'

/** Produce: appends in the order of requests; answers when the records are committed. */
export const handleProduce = handler(
  produce,
  (request, context, services) => {
    if (request.acks < acks.all || request.acks > acks.leader) {
      throw new Refusal('INVALID_REQUIRED_ACKS')
    }
    const admission = admissionOf(request, context, services)
    if (admission instanceof Refusal) {
      return failedAll(request, admission.code, admission.detail)
    }
    // Every append is begun here, synchronously: requests of one connection stay in order.
    const begun = request.topicData.map((topic) =>
      topic.partitionData.map((data) => begin(topic, data, request, admission, context, services)),
    )
    if (begun.every(isSettled)) return respond(request, begun.map(answersOf), context, services)
    return settle(request, begun, context).then((settled) =>
      respond(request, settled, context, services),
    )
  },
  (request, _context, code) => failedAll(request, code, null),
)

/** One error for every partition. @throws Malformed where there is no answer to say it with. */
function failedAll(request: ProduceRequest, code: number, errorMessage: string | null) {
  if (request.acks === acks.none) throw new Malformed('a produce request without acks failed')
  return {
    throttleTimeMs: 0,
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

/** What a partition will answer if nothing fails until `committed` resolves; null: it is final. */
interface Begun {
  readonly answer: PartitionAnswer
  readonly committed: Promise<void> | null
  readonly partition: Partition | null
}

type Beginning = Begun | Promise<Begun>

/** So it is with almost every request: what it brought is on the file system when all is begun. */
function isSettled(topic: readonly Beginning[]): topic is Begun[] {
  return topic.every((one) => !(one instanceof Promise) && one.committed === null)
}

const answersOf = (topic: readonly Begun[]) => topic.map(({ answer }) => answer)

/** The answers of each topic's partitions, when all that was begun has come to its end. */
async function settle(
  { acks: requiredAcks }: ProduceRequest,
  begun: readonly (readonly Beginning[])[],
  context: RequestContext,
): Promise<PartitionAnswer[][]> {
  const topics: PartitionAnswer[][] = []
  for (const topic of begun) {
    const answers: PartitionAnswer[] = []
    // One after the other: all were begun, and a promise for all of them would cost more.
    for (const one of topic) {
      const { answer, committed, partition } = one instanceof Promise ? await one : one
      let settled = answer
      try {
        if (committed !== null) await committed
      } catch (error) {
        // Without acks nobody hears how the write ended; but what comes next on the connection sees it.
        if (requiredAcks !== acks.none) settled = refused(answer.index, error, partition, context)
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
  const hints = new LeaderHints(hintedCodes.produce, context, services)
  const { topics, topicNames } = services.metadata.image
  const responses = topicData.map(({ name, topicId }, i) => {
    const known = topics.has(name) ? name : topicNames.get(topicId)
    const partitionResponses = answers[i]!.map((one) => hints.on(one, known, one.index))
    return { name, topicId, partitionResponses }
  })
  return { throttleTimeMs: 0, responses, nodeEndpoints: hints.nodes() }
}

/** There is no answer to say it with: closing the connection is how the client learns (Kafka's way). */
function sayNothing(answers: readonly PartitionAnswer[]): null {
  const failed = answers.find(({ errorCode }) => errorCode !== 0)
  if (failed === undefined) return null
  throw new Malformed(`a produce request without acks failed with error ${failed.errorCode}`)
}

function failedWith(index: number, code: number): PartitionAnswer {
  return { index, errorCode: code, baseOffset: -1 }
}

/** Refusals after which Kafka does not look up where the log starts (`ReplicaManager.appendToLocalLog`). */
const startsUnknown: ReadonlySet<ErrorName> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'NOT_LEADER_OR_FOLLOWER',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'CORRUPT_MESSAGE',
  'KAFKA_STORAGE_ERROR',
])

/** The answer for one partition; Kafka gives a message only for bytes it cannot read and single records. */
function refused(
  index: number,
  thrown: unknown,
  partition: Partition | null,
  { apiVersion }: RequestContext,
): PartitionAnswer {
  const error =
    thrown instanceof NotAdmitted ? produceRefusal(thrown, supportOf(apiVersion)) : thrown
  if (!(error instanceof Refusal)) throw error
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
    return { answer: refused(index, error, partition, context), committed: null, partition }
  }
  try {
    const topic = findTopic(topicData, context, services)
    checkTopic(topic, context)
    const batch = records ?? Buffer.alloc(0)
    checkProduceRecords(batch, context.apiVersion)
    partition = partitionOf(topic.name, index, services)
    checkInSyncReplicas(topic, index, request.acks, services)
    const to = partition
    const appending = append(to, batch, admission, services)
    if (!(appending instanceof Promise)) return appendedTo(to, appending)
    const later = appending.then((appended) => appendedTo(to, appended), failed)
    later.catch(() => {}) // It is heard of in its turn.
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

/** A transactional batch waits for the coordinator's word where it is the first of its transaction. */
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
  return admitted.then((o) => partition.append(records, { origin, ...o }, clock.nowMs()))
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
    throw new Refusal('TOPIC_AUTHORIZATION_FAILED')
  }
  if (topic === undefined) {
    throw new Refusal(isById ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }
  return topic
}

function checkTopic({ name }: TopicState, { clientId }: RequestContext): void {
  if (!internalTopics.has(name) || clientId === adminClientId) return
  throw new Refusal('INVALID_TOPIC_EXCEPTION', `Cannot append to internal topic ${name}`)
}

function checkInSyncReplicas(
  topic: TopicState,
  index: number,
  requiredAcks: number,
  { partitions }: Services,
): void {
  if (requiredAcks !== acks.all) return
  const inSync = topic.partitions[index]?.isr.length ?? 0
  const min = partitions.configs.minInsyncReplicas(topic.name)
  // More than there are replicas cannot be asked for: Kafka takes the smaller number.
  if (inSync < Math.min(min, topic.partitions[index]?.replicas.length ?? min)) {
    throw new Refusal(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR ${inSync} is insufficient to satisfy the min.isr requirement of ` +
        `${min} for partition ${topic.name}-${index}`,
    )
  }
}

/** Who admits the transactional batches of the request; null if it has none. */
function admissionOf(
  request: ProduceRequest,
  context: RequestContext,
  services: Services,
): Admission | Refusal | null {
  const { transactionalId: id } = request
  const batches = transactionalBatches(request)
  const [first] = batches
  if (first === undefined) return null
  if (id === null || !mayAccess(services, context, 'WRITE', 'transactionalId', id)) {
    return new Refusal('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  }
  const { producerId, producerEpoch } = first
  if (batches.some((one) => one.producerId !== producerId || one.producerEpoch !== producerEpoch)) {
    return new Refusal(
      'INVALID_PRODUCER_ID_MAPPING',
      'Transactional records contained more than one producer ID',
    )
  }
  const producer = { transactionalId: id, producerId, producerEpoch }
  return new Admission(producer, supportOf(context.apiVersion), services)
}

function transactionalBatches({ topicData }: ProduceRequest): readonly Batch[] {
  // Hardly any request has one: nothing is made for those that have none.
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
