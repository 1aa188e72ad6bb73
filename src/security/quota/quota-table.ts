import type { Image } from '../../metadata/image.ts'
import { type QuotaEntityPart, quotaKey, quotaLevel } from '../../metadata/quotas.ts'

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

/** The types of the entities of each level. */
const levelTypes: Readonly<Record<Level, readonly string[]>> = {
  user: ['user'],
  client: ['client-id'],
  both: ['user', 'client-id'],
}

/** A part of an entity: a name, the default of its type (null), or absent. */
type Part = string | null | undefined

/** The entities of one quota with their limits, and which of them applies to a client. */
export class QuotaTable {
  private readonly quotas: Image['quotas']
  private readonly name: QuotaName
  private readonly levels: readonly Level[]

  constructor({ quotas, quotaLevels }: Pick<Image, 'quotas' | 'quotaLevels'>, name: QuotaName) {
    this.quotas = quotas
    this.name = name
    const all = Object.keys(levelTypes) as Level[]
    this.levels = all.filter(
      (level) => (quotaLevels.get(quotaLevel(name, levelTypes[level])) ?? 0) > 0,
    )
  }

  get isEmpty(): boolean {
    return this.levels.length === 0
  }

  /** Returns what a client's use counts towards. */
  subjectOf(user: string, clientId: string): QuotaSubject {
    // The only level with limits decides what is measured together, for whoever has none, too.
    if (this.levels.length > 1) return this.mostSpecific(user, clientId)
    switch (this.levels[0]) {
      case 'user':
        return { user, clientId: '' }
      case 'both':
        return { user, clientId }
      default:
        return { user: '', clientId }
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
    const has = (one: Part, other: Part) => this.get(one, other) !== undefined
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
      const limit = this.get(user, clientId)
      if (limit !== undefined) return limit
    }
    return null
  }

  private get(user: Part, clientId: Part): number | undefined {
    const entity: QuotaEntityPart[] = []
    if (user !== undefined) entity.push({ entityType: 'user', entityName: user })
    if (clientId !== undefined) entity.push({ entityType: 'client-id', entityName: clientId })
    return this.quotas.get(quotaKey(entity))?.values.get(this.name)
  }
}
