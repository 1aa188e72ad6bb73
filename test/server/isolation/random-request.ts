import type { AnyApi, AnyType, Fields } from '../../../src/protocol/schema.ts'
import { handlers } from '../../../src/server/handlers/index.ts'
import { smallBatch } from '../../compat/wire/small-batch.ts'

/** Numbers in [0, 1). */
type Dice = () => number

/** Values from which the fields of a request are drawn. */
export interface Pools {
  /** Names of topics, groups, transactional ids and all other text. */
  readonly names: readonly string[]
  /** Names where a permitted request would wait for other members or for markers. */
  readonly refusedNames: readonly string[]
  readonly memberIds: readonly string[]
  readonly topicIds: readonly string[]
  readonly producerIds: readonly number[]
}

/** A request in one of its versions. */
export interface RandomRequest {
  readonly api: AnyApi
  readonly version: number
  readonly body: object
}

/** SaslHandshake and SaslAuthenticate, which are not the concern of an authorizer. */
const beforeLogin = new Set([17, 36])
/** Requests that wait, or whose effects come a little later, where they are permitted. */
const timed = new Set([11, 14, 20, 22, 24, 25, 26, 28, 68, 76, 88])
const apis = handlers.map(({ api }) => api).filter(({ key }) => !beforeLogin.has(key))

const numbers: Readonly<Record<string, readonly number[]>> = {
  acks: [-1, 1],
  replicaId: [-1],
  maxWaitMs: [0],
  minBytes: [0],
  maxBytes: [1 << 20],
  partitionMaxBytes: [1 << 20],
  sessionId: [0],
  sessionEpoch: [-1],
  timeoutMs: [1_000],
  numPartitions: [1],
  replicationFactor: [1],
  resourceType: [2, 2, 3, 32, 16],
  coordinatorType: [0, 1],
  keyType: [0, 1],
  timestamp: [-1, -2, 0],
}

/** Returns a random valid request of any key that a client may send. */
export function randomRequest(dice: Dice, pools: Pools): RandomRequest {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(dice() * from.length)]!
  const api = pick(apis)
  const [min, max] = api.versions
  const version = min + Math.floor(dice() * (max - min + 1))
  const names = timed.has(api.key) ? pools.refusedNames : pools.names

  const text = (field: string): string => {
    if (/memberId|instanceId/i.test(field)) return pick(pools.memberIds)
    if (/protocolType/.test(field)) return 'consumer'
    return pick(names)
  }
  const number = (field: string): number => {
    if (/producerId/i.test(field)) return pick(pools.producerIds)
    return pick(numbers[field] ?? [-1, 0, 1])
  }
  const valueFor = (field: string, type: AnyType): unknown => {
    const { traits } = type
    const mayBeNull = version >= traits.nullableSince && version <= traits.nullableUntil
    if (mayBeNull && dice() < 0.15) return null
    switch (traits.kind) {
      case 'struct':
        return structOf(traits.fields!)
      case 'array':
        return Array.from({ length: Math.floor(dice() * 3) }, () =>
          valueFor(field, traits.element!),
        )
      case 'string':
        return text(field)
      case 'uuid':
        return pick(pools.topicIds)
      case 'bool':
        return dice() < 0.5
      case 'bytes':
        return Buffer.alloc(0)
      case 'records':
        return smallBatch(1)
      case 'int64Exact':
        return BigInt(number(field))
      default:
        return number(field)
    }
  }
  const structOf = (fields: Fields): object =>
    Object.fromEntries(
      Object.entries(fields)
        .filter(([, { traits }]) => version >= traits.since && version <= traits.until)
        .map(([field, type]) => [field, valueFor(field, type)]),
    )
  return { api, version, body: structOf(api.request) }
}
