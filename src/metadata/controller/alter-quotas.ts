import { javaHashCode, javaHashMapOrderBy } from '../../base/java-hash.ts'
import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import { clientQuotaRecord } from '../../protocol/stored/metadata/14-client-quota-record.ts'
import { entityHash, entityParts, type QuotaEntityPart, quotaKey } from '../quotas.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command } from './controller.ts'

export interface QuotaChange {
  readonly entity: readonly QuotaEntityPart[]
  readonly ops: readonly {
    readonly key: string
    readonly value: number
    readonly remove: boolean
  }[]
}

export interface AlteredQuota {
  readonly entity: readonly QuotaEntityPart[]
  readonly error: ErrorName
  readonly errorMessage: string | null
}

type Kind = 'long' | 'int' | 'real'
const wholes = {
  long: { max: 2 ** 63, name: 'a LONG' },
  int: { max: 2 ** 31 - 1, name: 'an INT' },
} as const

/** Quotas and their types by kind of entity (`QuotaConfig`). */
const ofUsersAndClients: Readonly<Record<string, Kind>> = {
  producer_byte_rate: 'long',
  consumer_byte_rate: 'long',
  request_percentage: 'real',
  controller_mutation_rate: 'real',
}
const ofAddresses: Readonly<Record<string, Kind>> = {
  connection_creation_rate: 'int',
}

/** Entities decided on between two yields. */
const entitiesBetween = 32

/** Sets and removes quotas; each entity succeeds or fails alone (`ClientQuotaControlManager`). */
export function alterQuotas(
  changes: readonly QuotaChange[],
  options: { readonly validateOnly: boolean },
): Command<AlteredQuota[]> {
  return function* ({ image }) {
    const records: MetadataRecord[] = []
    const byEntity = new Map<string, AlteredQuota>()
    const seen = new Set<string>()
    const alter = ({ entity, ops }: QuotaChange): AlteredQuota => {
      try {
        checkOnce(entity, ops, seen)
        const known = quotaKeysFor(entity)
        const before = image.quotas.get(quotaKey(entity))?.values
        const made: MetadataRecord[] = []
        for (const op of javaHashMapOrderBy(ops, ({ key }) => javaHashCode(key), 1)) {
          if (!op.remove) checkValue(op, known)
          if (op.remove ? before?.has(op.key) !== true : before?.get(op.key) === op.value) continue
          made.push(metadataRecord(clientQuotaRecord, { entity, ...op }))
        }
        records.push(...made)
        return { entity, error: 'NONE', errorMessage: null }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { entity, error: error.reason, errorMessage: error.detail }
      }
    }
    for (const { entity: asked, ops } of changes) {
      const entity = entityParts(asked)
      byEntity.set(quotaKey(entity), alter({ entity, ops }))
      if (byEntity.size % entitiesBetween === 0) yield
    }
    const answer = javaHashMapOrderBy([...byEntity.values()], ({ entity }) => entityHash(entity))
    return { records: options.validateOnly ? [] : records, answer }
  }
}

/**
 * Refuses further changes of an entity: only the first one applies, but the entity's only answer is
 * the refusal. A change that names a quota twice counts as several.
 */
function checkOnce(
  entity: readonly QuotaEntityPart[],
  ops: QuotaChange['ops'],
  seen: Set<string>,
): void {
  const key = quotaKey(entity)
  if (!seen.has(key) && new Set(ops.map((op) => op.key)).size === ops.length) {
    seen.add(key)
    return
  }
  const parts = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`)
  throw new ApiError(
    'INVALID_REQUEST',
    `Ignoring duplicate entity ClientQuotaEntity(entries={${parts.join(', ')}})`,
  )
}

function quotaKeysFor(entity: readonly QuotaEntityPart[]) {
  const types = entity.map(({ entityType }) => entityType)
  const refuse = (detail: string) => new ApiError('INVALID_REQUEST', detail)
  if (types.length === 0) throw refuse('Invalid empty client quota entity')
  for (const { entityType, entityName } of entity) {
    if (!['user', 'client-id', 'ip'].includes(entityType)) {
      throw refuse(`Unhandled client quota entity type: ${entityType}`)
    }
    if (entityName === '') throw refuse(`Empty ${entityType} not supported`)
  }
  if (!types.includes('ip')) return ofUsersAndClients
  if (types.length > 1) {
    throw refuse(
      'Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId',
    )
  }
  const [{ entityName: address }] = entity as [QuotaEntityPart]
  if (address !== null && !/^[\w.:-]+$/.test(address)) {
    throw refuse(`${address} is not a valid IP or resolvable host.`)
  }
  return ofAddresses
}

function checkValue(
  { key, value }: QuotaChange['ops'][number],
  known: Readonly<Record<string, Kind>>,
): void {
  const kind = Object.hasOwn(known, key) ? known[key] : undefined
  if (kind === undefined) throw new ApiError('INVALID_REQUEST', `Invalid configuration key ${key}`)
  if (!Number.isFinite(value)) {
    throw new ApiError('INVALID_REQUEST', `Quota ${key} must be a finite number`)
  }
  if (!(value > 0)) {
    throw new ApiError('INVALID_REQUEST', `Quota ${key} must be greater than 0`)
  }
  if (kind === 'real') return
  const { max, name } = wholes[kind]
  if (value > max) {
    throw new ApiError('INVALID_REQUEST', `Proposed value for ${key} is too large for ${name}.`)
  }
  if (value % 1 > 1e-6) {
    throw new ApiError('INVALID_REQUEST', `${key} cannot be a fractional value.`)
  }
}
