import { mapInTurns, runInTurns } from '../../base/turns.ts'
import { ApiError, errorCode } from '../../protocol/errors.ts'
import { type FetchRequest, type FetchResponse, fetch } from '../../protocol/messages/01-fetch.ts'
import { isolationLevels } from '../../replication/partition.ts'
import { delayedFetch, sufficesAtOnce } from '../fetch/delayed-fetch.ts'
import { HeldRecords } from '../fetch/held-records.ts'
import {
  type FetchLimits,
  type Readable,
  type ReadPartition,
  readAll,
  sort,
} from '../fetch/read.ts'
import type { FetchPlan } from '../fetch/session.ts'
import { type Naming, type Wanted, wantedOf } from '../fetch/session.ts'
import { handler, type RequestContext } from '../handler.ts'
import { hintedCodes, LeaderHints } from '../leader-hints.ts'
import type { Services } from '../services.ts'

/** The first version that names topics by id (KIP-516). */
const byIdSince = 13

/** The first version whose response names current leaders (KIP-951). */
const hintedSince = 16

/** Fetch: answers at once if enough can be read, else when it can, or after `max_wait_ms`. */
export const handleFetch = handler(
  fetch,
  async (request, context, services) => {
    const { topicNames } = services.metadata.image
    const isById = context.apiVersion >= byIdSince
    const naming: Naming = { isById, nameOf: (topicId) => topicNames.get(topicId) }
    const wanted = await wantedOf(request.topics, naming, services.turns)
    const plan = planOf(request, wanted, naming, services)
    if (typeof plan === 'number') return empty(plan, 0)
    const held = new HeldRecords()
    try {
      const { readable, failed } = await sort(plan.wanted, isFollower(request), context, services)
      let parts: readonly ReadPartition[] = []
      if (readable.length > 0) {
        const limits = limitsOf(request, { isById, held }, context, services)
        parts = await readOrWait(readable, limits, context, services)
      }
      const all = [...parts, ...failed]
      const { quotas } = services
      if (quotas.isActive && !isFollower(request)) {
        const throttleMs = quotas.fetchThrottleMs(context, answerBytes(all))
        if (throttleMs > 0) return throttled(plan, throttleMs)
      }
      const answer = await respond(all, plan, context, services)
      held.handOver(answer)
      return isFollower(request) ? { ...answer, nodeEndpoints: [] } : answer
    } finally {
      held.end()
    }
  },
  (request, { apiVersion }, code) => {
    // Since v7 there is a top-level error; partition errors remain while topics have names.
    if (apiVersion >= byIdSince) return empty(code, request.sessionId)
    return {
      ...empty(code, request.sessionId),
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

async function readOrWait(
  readable: readonly Readable[],
  limits: FetchLimits,
  context: RequestContext,
  services: Services,
): Promise<readonly ReadPartition[]> {
  const read = await readAll(readable, limits, services)
  if (limits.maxWaitMs <= 0 || sufficesAtOnce(read, limits.minBytes)) return read.parts
  limits.held.drop(read.parts)
  const waiting = delayedFetch(readable, limits, context, services)
  return (await services.purgatory.wait(waiting)).parts
}

const sessionErrors: ReadonlySet<string> = new Set([
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FETCH_SESSION_TOPIC_ID_ERROR',
])

/** @returns an error code if the session id or epoch does not match. */
function planOf(
  request: FetchRequest,
  wanted: readonly Wanted[],
  naming: Naming,
  services: Services,
): FetchPlan | number {
  try {
    return services.fetchSessions.plan(request, wanted, naming)
  } catch (refusal) {
    if (refusal instanceof ApiError && sessionErrors.has(refusal.reason)) return refusal.code
    throw refusal
  }
}

function empty(code: number, sessionId: number) {
  return { errorCode: code, sessionId, responses: [] }
}

function limitsOf(
  request: FetchRequest,
  options: Pick<FetchLimits, 'isById' | 'held'>,
  context: RequestContext,
  { settings, quotas }: Services,
): FetchLimits {
  const { isolationLevel, maxWaitMs } = request
  if (!Object.values<number>(isolationLevels).includes(isolationLevel)) {
    throw new ApiError('UNKNOWN_SERVER_ERROR', `Unknown isolation level ${isolationLevel}`)
  }
  const asked = Math.min(request.maxBytes, settings.int('fetch.max.bytes'))
  const fromFollower = isFollower(request)
  const isLimited = quotas.isActive && !fromFollower
  const maxBytes = isLimited ? Math.min(asked, quotas.fetchBytesMax(context)) : asked
  const minBytes = Math.min(request.minBytes, maxBytes)
  return { minBytes, maxBytes, maxWaitMs, isolationLevel, isFollower: fromFollower, ...options }
}

function isFollower({ replicaId, replicaState }: FetchRequest): boolean {
  return replicaId >= 0 || replicaState.replicaId >= 0
}

/** Bytes of a Fetch response without its partitions, and of a partition without its records. */
const answerBytesMin = 16
const partitionBytes = 58

/** Returns about how large a response will be; partitions without news are left out of it. */
function answerBytes(all: readonly ReadPartition[]): number {
  let bytes = answerBytesMin
  for (const part of all) {
    if (part.bytes > 0 || part.answer.errorCode !== 0) bytes += partitionBytes + part.bytes
  }
  return bytes
}

/**
 * The answer to a throttled client: empty. Its session goes on, and what it was not told is still
 * news to it; one that has none yet does not get one.
 */
function throttled(plan: FetchPlan, throttleTimeMs: number) {
  if (plan.kind !== 'incremental') return { ...empty(0, 0), throttleTimeMs }
  const isContinued = plan.session.nextEpoch !== plan.expectedEpoch
  const code = isContinued ? errorCode('INVALID_FETCH_SESSION_EPOCH') : 0
  return { ...empty(code, plan.session.id), throttleTimeMs }
}

async function respond(
  all: readonly ReadPartition[],
  plan: FetchPlan,
  context: RequestContext,
  services: Services,
): Promise<FetchResponse> {
  const { apiVersion: version } = context
  if (plan.kind === 'incremental' && plan.session.nextEpoch !== plan.expectedEpoch) {
    // Another request has continued the session while this one waited.
    return {
      ...empty(errorCode('INVALID_FETCH_SESSION_EPOCH'), plan.session.id),
      nodeEndpoints: [],
    }
  }
  const sessionId = await sessionIdOf(all, plan, version, services)
  const told =
    plan.kind === 'incremental'
      ? all.filter((part) => plan.session.isNews(part.wanted.key, newsOf(part)))
      : all
  const codes = version >= hintedSince ? hintedCodes.fetch : hintedCodes.none
  const hints = told.some(({ answer }) => answer.errorCode !== 0)
    ? new LeaderHints(codes, context.session, services)
    : null
  const parts =
    hints === null ? told : await mapInTurns(services.turns, told, (part) => hinted(part, hints))
  return {
    errorCode: errorCode('NONE'),
    sessionId,
    responses: await runInTurns(services.turns, byTopic(parts, version >= byIdSince)),
    nodeEndpoints: hints?.nodes() ?? [],
  }
}

async function sessionIdOf(
  all: readonly ReadPartition[],
  plan: FetchPlan,
  version: number,
  { fetchSessions, turns }: Services,
): Promise<number> {
  if (plan.kind === 'incremental') return plan.session.id
  if (plan.kind === 'sessionless' || version < 7) return 0
  const session = fetchSessions.begin(all.length, version >= byIdSince)
  if (session === null) return 0
  await mapInTurns(turns, all, (part) => session.add(part.wanted, newsOf(part)))
  return session.id
}

function hinted(part: ReadPartition, hints: LeaderHints): ReadPartition {
  const { wanted, answer } = part
  if (answer.errorCode === 0) return part
  const topic = wanted.topic ?? undefined
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

/** Partitions processed between two checks of the turn's time. */
const partitionsBetween = 1024

/** Groups adjacent partitions of the same topic into one entry. */
function* byTopic(
  parts: readonly ReadPartition[],
  isById: boolean,
): Generator<void, FetchResponse['responses']> {
  const topics: { topic: string; topicId: string; partitions: ReadPartition['answer'][] }[] = []
  let last: Wanted | undefined
  for (const [i, { wanted, answer }] of parts.entries()) {
    if (i % partitionsBetween === partitionsBetween - 1) yield
    const isSame = isById ? last?.topicId === wanted.topicId : last?.topic === wanted.topic
    if (last !== undefined && isSame) topics.at(-1)!.partitions.push(answer)
    else {
      const { topic, topicId } = wanted
      topics.push({ topic: topic ?? '', topicId, partitions: [answer] })
    }
    last = wanted
  }
  return topics
}
