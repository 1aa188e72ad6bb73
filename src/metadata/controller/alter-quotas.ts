import { type ErrorName, Refusal } from '../../protocol/errors.ts'
import { clientQuotaRecord } from '../../protocol/stored/metadata/14-client-quota-record.ts'
import { type QuotaEntityPart, quotaKey } from '../quotas.ts'
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

/** Which quotas there are for whom, and whether they count whole things (`QuotaConfig`). */
const ofUsersAndClients: Readonly<Record<string, 'whole' | 'real'>> = {
  producer_byte_rate: 'whole',
  consumer_byte_rate: 'whole',
  request_percentage: 'real',
  controller_mutation_rate: 'real',
}
const ofAddresses: Readonly<Record<string, 'whole' | 'real'>> = {
  connection_creation_rate: 'whole',
}

/** Sets and removes quotas, each entity on its own terms (`ClientQuotaControlManager`). */
export function alterQuotas(
  changes: readonly QuotaChange[],
  o: { readonly validateOnly: boolean },
): Command<AlteredQuota[]> {
  return ({ image }) => {
    const records: MetadataRecord[] = []
    const byEntity = new Map<string, AlteredQuota>()
    const seen = new Set<string>()
    const alter = ({ entity, ops }: QuotaChange): AlteredQuota => {
      try {
        checkOnce(entity, seen)
        const known = quotaKeysFor(entity)
        const before = image.quotas.get(quotaKey(entity))?.values
        for (const op of ops) {
          checkValue(op, known)
          if (op.remove ? before?.has(op.key) !== true : before?.get(op.key) === op.value) continue
          records.push(metadataRecord(clientQuotaRecord, { entity, ...op }))
        }
        return { entity, error: 'NONE', errorMessage: null }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        return { entity, error: error.reason, errorMessage: error.detail }
      }
    }
    for (const change of changes) byEntity.set(quotaKey(change.entity), alter(change))
    return { records: o.validateOnly ? [] : records, answer: [...byEntity.values()] }
  }
}

/** Of several changes of one entity the first counts; the answer, one for all of them, is the refusal. */
function checkOnce(entity: readonly QuotaEntityPart[], seen: Set<string>): void {
  const key = quotaKey(entity)
  if (!seen.has(key)) {
    seen.add(key)
    return
  }
  const parts = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`)
  throw new Refusal(
    'INVALID_REQUEST',
    `Ignoring duplicate entity ClientQuotaEntity(entries={${parts.join(', ')}})`,
  )
}

function quotaKeysFor(entity: readonly QuotaEntityPart[]) {
  const types = entity.map(({ entityType }) => entityType)
  const refuse = (detail: string) => new Refusal('INVALID_REQUEST', detail)
  if (types.length === 0) throw refuse('Invalid empty client quota entity')
  for (const { entityType, entityName } of entity) {
    if (types.filter((type) => type === entityType).length > 1) {
      throw refuse(`Duplicate entity type: ${entityType}`)
    }
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
  { key, value, remove }: QuotaChange['ops'][number],
  known: Readonly<Record<string, 'whole' | 'real'>>,
): void {
  const kind = known[key]
  if (kind === undefined) throw new Refusal('INVALID_REQUEST', `Invalid configuration key ${key}`)
  if (remove) return
  if (!Number.isFinite(value)) {
    throw new Refusal('INVALID_REQUEST', `Quota ${key} must be a finite number`)
  }
  if (!(value > 0)) {
    throw new Refusal('INVALID_REQUEST', `Quota ${key} must be greater than 0`)
  }
  if (kind === 'whole' && !Number.isInteger(value)) {
    throw new Refusal('INVALID_REQUEST', `${key} cannot be a fractional value.`)
  }
}
