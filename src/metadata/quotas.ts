/** One part of who a quota is for; a null name is the default of its type. */
export interface QuotaEntityPart {
  readonly entityType: string
  readonly entityName: string | null
}

export interface QuotaState {
  readonly entity: readonly QuotaEntityPart[]
  readonly values: ReadonlyMap<string, number>
}

/** The same for the same parts in any order. */
export function quotaKey(entity: readonly QuotaEntityPart[]): string {
  return JSON.stringify(
    entity
      .map(({ entityType, entityName }) => [entityType, entityName] as const)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  )
}

/** Codes of `DescribeClientQuotasRequest` match types. */
export const quotaMatches = { exact: 0, default: 1, specified: 2 } as const

export interface QuotaFilter {
  readonly entityType: string
  readonly matchType: number
  readonly match: string | null
}

/** Whether an entry has all parts that are asked for and, if strict, no others. */
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
