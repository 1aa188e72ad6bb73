import { errorCode } from '../../protocol/errors.ts'
import { type FetchRequest, type FetchResponse, fetch } from '../../protocol/messages/01-fetch.ts'
import { type Located, locate, type ReadAll, type ReadPartition, readAll } from '../fetch/read.ts'
import type { FetchPlan } from '../fetch/session-cache.ts'
import { handler, type RequestContext } from '../handler.ts'
import { hintedCodes, LeaderHints } from '../leader-hints.ts'
import type { Services } from '../services.ts'

/** Fetch: answers at once when enough can be read, else when it can or the time is up. */
export const handleFetch = handler(
  fetch,
  async (request, context, services) => {
    const { apiVersion } = context
    const plan = services.fetchSessions.plan(request, apiVersion)
    const located = plan.wanted.map((one) => locate(one, apiVersion, context, services))
    let read = await readAll(located, request, services)
    if (mustWait(read, request, located)) {
      read = await new LongPoll(located, request, context, services).result()
    }
    return respond(read, plan, context, services)
  },
  (request, context, code) => {
    // Errors of a session stand at the top; before sessions there was only the partitions' own.
    if (context.apiVersion >= 7) return { throttleTimeMs: 0, errorCode: code, responses: [] }
    return {
      throttleTimeMs: 0,
      errorCode: code,
      responses: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({
          partitionIndex: partition,
          errorCode: code,
          highWatermark: -1,
          abortedTransactions: [],
          records: [],
        })),
      })),
    }
  },
)

function mustWait(read: ReadAll, request: FetchRequest, located: readonly Located[]): boolean {
  return (
    request.maxWaitMs > 0 && located.length > 0 && read.bytes < request.minBytes && !read.isUrgent
  )
}

/** One fetch that waits: woken by its partitions, the deadline, or the end of its connection. */
class LongPoll {
  private readonly located: readonly Located[]
  private readonly request: FetchRequest
  private readonly context: RequestContext
  private readonly services: Services
  private isReading = false
  private isStale = false
  private isOver = false

  constructor(
    located: readonly Located[],
    request: FetchRequest,
    context: RequestContext,
    services: Services,
  ) {
    this.located = located
    this.request = request
    this.context = context
    this.services = services
  }

  result(): Promise<ReadAll> {
    return new Promise((resolve, reject) => {
      const { closed } = this.context.connection
      const partitions = this.located.flatMap(({ partition }) => (partition ? [partition] : []))
      const end = (settle: () => void) => {
        if (this.isOver) return
        this.isOver = true
        timer.clear()
        closed.removeEventListener('abort', onDeadline)
        for (const partition of partitions) partition.waiters.remove(onNews)
        settle()
      }
      const look = (isLast: boolean) => {
        this.read().then(
          (read) => {
            if (isLast || read.bytes >= this.request.minBytes || read.isUrgent) {
              end(() => resolve(read))
            } else if (this.isStale) onNews()
          },
          (error: unknown) => end(() => reject(error)),
        )
      }
      const onNews = () => {
        if (this.isOver) return
        this.isStale = true
        if (!this.isReading) look(false)
      }
      const onDeadline = () => look(true)
      const timer = this.services.clock.after(this.request.maxWaitMs, onDeadline)
      closed.addEventListener('abort', onDeadline)
      for (const partition of partitions) partition.waiters.add(onNews)
      // What came between the first look and the waiting must not be slept through.
      onNews()
    })
  }

  private async read(): Promise<ReadAll> {
    this.isReading = true
    this.isStale = false
    try {
      return await readAll(this.located, this.request, this.services)
    } finally {
      this.isReading = false
    }
  }
}

/** The first version that tells where leaders are (KIP-951). */
const hintedSince = 16

function respond(
  read: ReadAll,
  plan: FetchPlan,
  context: RequestContext,
  services: Services,
): FetchResponse {
  const { apiVersion: version } = context
  const { session, isIncremental } = plan
  const told = read.parts.filter((part) => {
    const isNews = session?.isNews(part.wanted.key, newsOf(part)) ?? true
    return isNews || !isIncremental
  })
  const codes = version >= hintedSince ? hintedCodes.fetch : hintedCodes.none
  const hints = new LeaderHints(codes, context, services)
  const parts = told.map((part) => hinted(part, hints, services))
  return {
    throttleTimeMs: 0,
    errorCode: errorCode('NONE'),
    sessionId: session?.id ?? 0,
    responses: byTopic(parts, version >= 13),
    nodeEndpoints: hints.nodes(),
  }
}

function hinted(part: ReadPartition, hints: LeaderHints, { metadata }: Services): ReadPartition {
  const { wanted, answer } = part
  if (answer.errorCode === 0) return part
  const { topics, topicNames } = metadata.image
  const topic = topics.has(wanted.topic) ? wanted.topic : topicNames.get(wanted.topicId)
  return { ...part, answer: hints.on(answer, topic, answer.partitionIndex) }
}

function newsOf({ bytes, answer }: ReadPartition) {
  return {
    bytes,
    errorCode: answer.errorCode,
    isDiverging: answer.divergingEpoch !== undefined,
    highWatermark: answer.highWatermark,
    logStartOffset: answer.logStartOffset ?? -1,
  }
}

/** Neighbours of one topic share an entry; the order of partitions is the client's. */
function byTopic(parts: readonly ReadPartition[], isById: boolean): FetchResponse['responses'] {
  const topics: { topic: string; topicId: string; partitions: ReadPartition['answer'][] }[] = []
  for (const { wanted, answer } of parts) {
    const last = topics.at(-1)
    const isSame = isById ? last?.topicId === wanted.topicId : last?.topic === wanted.topic
    if (last !== undefined && isSame) last.partitions.push(answer)
    else topics.push({ topic: wanted.topic, topicId: wanted.topicId, partitions: [answer] })
  }
  return topics
}
