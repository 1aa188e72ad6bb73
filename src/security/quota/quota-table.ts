import type { QuotaEntityPart, QuotaState } from '../../metadata/quotas.ts'

/** The quotas of users and clients, by Kafka's names. */
export type QuotaName =
  | 'producer_byte_rate'
  | 'consumer_byte_rate'
  | 'request_percentage'
  | 'controller_mutation_rate'

/**
 * Whose use is measured together: all clients of a user (`clientId` empty), a client id of all
 * users (`user` empty), or a client id of a user. A client without a client id has an empty one.
 */
export interface QuotaSubject {
  readonly user: string
  readonly clientId: string
}

type Level = 'user' | 'client' | 'both'

/** A part of an entity: a name, the default of its type (null), or absent. */
type Part = string | null | undefined

/** The entities of one quota with their limits, and which of them applies to a client. */
export class QuotaTable {
  private readonly limits = new Map<string, number>()
  /** The only level with limits, which then decides what is measured together; null for several. */
  private readonly level: Level | null

  constructor(quotas: Iterable<QuotaState>, name: QuotaName) {
    const levels = new Set<Level>()
    for (const { entity, values } of quotas) {
      const limit = values.get(name)
      const user = partOf(entity, 'user')
      const clientId = partOf(entity, 'client-id')
      if (limit === undefined || (user === undefined && clientId === undefined)) continue
      this.limits.set(keyOf(user, clientId), limit)
      levels.add(user === undefined ? 'client' : clientId === undefined ? 'user' : 'both')
    }
    const [first] = levels
    this.level = levels.size === 1 ? first! : null
  }

  get isEmpty(): boolean {
    return this.limits.size === 0
  }

  /** Returns what a client's use counts towards. */
  subjectOf(user: string, clientId: string): QuotaSubject {
    switch (this.level) {
      case 'client':
        return { user: '', clientId }
      case 'user':
        return { user, clientId: '' }
      case 'both':
        return { user, clientId }
      case null:
        return this.mostSpecific(user, clientId)
    }
  }

  /** Returns the limit of a subject; null for none. Defaults of client ids need a client id. */
  limitOf({ user, clientId }: QuotaSubject): number | null {
    if (user !== '' && clientId !== '') {
      return this.first([user, clientId], [user, null], [null, clientId], [null, null])
    }
    if (user !== '') return this.first([user, undefined], [null, undefined])
    if (clientId !== '') return this.first([undefined, clientId], [undefined, null])
    return null
  }

  /** Kafka's order: what is said of the user before what is said of any user. */
  private mostSpecific(user: string, clientId: string): QuotaSubject {
    const has = (one: Part, other: Part) => this.limits.has(keyOf(one, other))
    const both = { user, clientId }
    const wholeUser = { user, clientId: '' }
    if (has(user, clientId) || has(user, null)) return both
    if (has(user, undefined)) return wholeUser
    if (has(null, clientId) || has(null, null)) return both
    if (has(null, undefined)) return wholeUser
    return { user: '', clientId }
  }

  private first(...entities: readonly (readonly [Part, Part])[]): number | null {
    for (const [user, clientId] of entities) {
      const limit = this.limits.get(keyOf(user, clientId))
      if (limit !== undefined) return limit
    }
    return null
  }
}

function partOf(entity: readonly QuotaEntityPart[], type: string): Part {
  return entity.find(({ entityType }) => entityType === type)?.entityName
}

/** Returns a key in which an absent part, a default and every name differ. */
function keyOf(user: Part, clientId: Part): string {
  return JSON.stringify([user ?? (user === null ? 0 : 1), clientId ?? (clientId === null ? 0 : 1)])
}
