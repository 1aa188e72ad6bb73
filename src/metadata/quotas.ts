import { javaHashCode, javaHashMapOrderBy } from '../base/java-hash.ts'

/** One part of a quota entity; a null name stands for the default of its type. */
export interface QuotaEntityPart {
  readonly entityType: string
  readonly entityName: string | null
}

export interface QuotaState {
  readonly entity: readonly QuotaEntityPart[]
  readonly values: ReadonlyMap<string, number>
}

/** Returns a key that does not depend on the order of the parts. */
export function quotaKey(entity: readonly QuotaEntityPart[]): string {
  return JSON.stringify(
    entity
      .map(({ entityType, entityName }) => [entityType, entityName] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  )
}

/** Names a quota together with the types of an entity, in any order. */
export function quotaLevel(quota: string, entityTypes: readonly string[]): string {
  return [quota, ...entityTypes.toSorted()].join(' ')
}

/** Returns each entity type once, with its last name, in the order of Kafka's map. */
export function entityParts(entity: readonly QuotaEntityPart[]): readonly QuotaEntityPart[] {
  if (entity.length < 2) return entity
  const byType = new Map(entity.map((part) => [part.entityType, part]))
  return javaHashMapOrderBy([...byType.values()], (part) => javaHashCode(part.entityType), 1)
}

/** Returns the hash of Kafka's `ClientQuotaEntity`, which orders Kafka's map of quotas. */
export function entityHash(entity: readonly QuotaEntityPart[]): number {
  let hash = 31
  for (const { entityType, entityName } of entity) {
    hash += javaHashCode(entityType) ^ (entityName === null ? 0 : javaHashCode(entityName))
  }
  return hash | 0
}

/** Codes of match types in `DescribeClientQuotasRequest`. */
export const quotaMatches = { exact: 0, default: 1, specified: 2 } as const

export interface QuotaFilter {
  readonly entityType: string
  readonly matchType: number
  readonly match: string | null
}

/** Whether an entry has all requested parts and, if strict, no others. */
export function matchesQuota(
  { entity }: QuotaState,
  filters: readonly QuotaFilter[],
  strict: boolean,
): boolean {
  if (strict && entity.length !== filters.length) return false
  return filters.every(({ entityType, matchType, match }) => {
    const part = entity.find((one) => one.entityType === entityType)
    if (part === undefined) return false
    if (matchType === quotaMatches.specified) return true
    return part.entityName === (matchType === quotaMatches.default ? null : match)
  })
}
