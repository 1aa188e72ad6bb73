import type { LaterBytes } from '../base/pieces.ts'
import type { ErrorName } from './errors.ts'

/** Wire types of fields, as in Apache Kafka's message format (`MessageGenerator`). */
export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'int64Exact'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct'

/** Bytes that are written by reference: one piece, in memory or not, or consecutive pieces. */
export type Pieces = Uint8Array | LaterBytes | readonly Uint8Array[]

interface Traits {
  readonly kind: Kind
  readonly element?: AnyType
  readonly fields?: Fields
  readonly since: number
  readonly until: number
  readonly nullableSince: number
  readonly nullableUntil: number
  readonly tag: number
  readonly taggedSince: number
  readonly neverCompact: boolean
  readonly explicitDefault: { readonly value: unknown } | null
}

const never = Number.POSITIVE_INFINITY

/**
 * The type of a field. `T` is the type that a reader returns, `D` the type that a writer accepts,
 * `Optional` whether a writer may omit it (then the default is written, or nothing if the version
 * has no such field).
 */
export class Type<T, D = T, Optional extends boolean = false> {
  declare readonly read: T
  declare readonly draft: D
  declare readonly optional: Optional
  readonly traits: Traits

  constructor(traits: Pick<Traits, 'kind'> & Partial<Traits>) {
    this.traits = {
      since: 0,
      until: never,
      nullableSince: never,
      nullableUntil: never,
      tag: -1,
      taggedSince: never,
      neverCompact: false,
      explicitDefault: null,
      ...traits,
    }
  }

  private with<T2 = T, D2 = D, O2 extends boolean = Optional>(change: Partial<Traits>) {
    return new Type<T2, D2, O2>({ ...this.traits, ...change })
  }

  /** The first version that has the field; for earlier ones a reader returns the default. */
  since(version: number): Type<T, D, true> {
    return this.with<T, D, true>({ since: version })
  }

  /** The last version that has the field. */
  until(version: number): Type<T, D, true> {
    return this.with<T, D, true>({ until: version })
  }

  /** Allows null from version `since` up to and including `until`. */
  nullable(since = 0, until = never): Type<T | null, D | null, Optional> {
    return this.with<T | null, D | null>({ nullableSince: since, nullableUntil: until })
  }

  /** Value of an omitted field, and of a field that the version read does not have. */
  default(value: T): Type<T, D, true> {
    return this.with<T, D, true>({ explicitDefault: { value } })
  }

  /**
   * Makes this a tagged field (KIP-482) from version `since` on: written only if it differs from
   * its default.
   */
  tagged(tag: number, since = 0): Type<T, D, true> {
    return this.with<T, D, true>({ tag, taggedSince: since })
  }

  /** Keeps the two-byte length of a string in flexible versions (the client id in the header). */
  neverCompact(): Type<T, D, Optional> {
    return this.with({ neverCompact: true })
  }
}

// biome-ignore lint/suspicious/noExplicitAny: only the layout says which type the values have.
export type AnyType = Type<any, any, boolean>
export type Fields = Readonly<Record<string, AnyType>>

/** The value that a reader returns: all fields present, in the newest format. */
export type Infer<F extends Fields> = { readonly [K in keyof F]: F[K]['read'] }

/** Of responses: 0 unless the dispatcher sets it, so that no handler has to. */
type SetByDispatcher = 'throttleTimeMs'

type Required<F extends Fields> = {
  [K in keyof F]: F[K]['optional'] extends true ? never : K extends SetByDispatcher ? never : K
}[keyof F]

/**
 * The value that a writer accepts: fields with a default, a tag or a version range are optional.
 */
export type Draft<F extends Fields> = {
  readonly [K in Required<F>]: F[K]['draft']
} & { readonly [K in Exclude<keyof F, Required<F>>]?: F[K]['draft'] | undefined }

export const bool = new Type<boolean>({ kind: 'bool' })
export const int8 = new Type<number>({ kind: 'int8' })
export const int16 = new Type<number>({ kind: 'int16' })
export const uint16 = new Type<number>({ kind: 'uint16' })
export const int32 = new Type<number>({ kind: 'int32' })
export const uint32 = new Type<number>({ kind: 'uint32' })
/** Exact up to ±2^53; beyond, the nearest double. Long.MAX_VALUE and Long.MIN_VALUE round-trip. */
export const int64 = new Type<number>({ kind: 'int64' })
/** All 64 bits, for values that are not numbers (a hash). */
export const int64Exact = new Type<bigint>({ kind: 'int64Exact' })
export const float64 = new Type<number>({ kind: 'float64' })
export const string = new Type<string>({ kind: 'string' })
/** 16 bytes in Kafka's text form: 22 characters of base64url. */
export const uuid = new Type<string>({ kind: 'uuid' })
/** A view of the frame, not a copy. */
export const bytes = new Type<Buffer, Uint8Array>({ kind: 'bytes' })
/** Record batches: a view of the frame when read, written by reference. */
export const records = new Type<Buffer, Pieces>({ kind: 'records' })

export function array<T, D>(element: Type<T, D, boolean>): Type<readonly T[], readonly D[]>
export function array<F extends Fields>(fields: F): Type<readonly Infer<F>[], readonly Draft<F>[]>
export function array(element: AnyType | Fields): AnyType {
  const type = element instanceof Type ? element : struct(element)
  return new Type({ kind: 'array', element: type })
}

export function struct<F extends Fields>(fields: F): Type<Infer<F>, Draft<F>> {
  return new Type({ kind: 'struct', fields })
}

export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

/** A request and response pair of the wire protocol. */
export interface Api<Q extends Fields = Fields, R extends Fields = Fields> {
  readonly name: string
  readonly key: number
  /** The versions with a known layout, both inclusive. */
  readonly versions: readonly [number, number]
  /** The last version that is advertised; later ones are unstable in Kafka 4.4.0. */
  readonly stableMax: number
  /** The first version with compact lengths and tagged fields (KIP-482); null if there is none. */
  readonly flexible: number | null
  readonly request: Q
  readonly response: R
}

export type AnyApi = Api

export function api<Q extends Fields, R extends Fields>(
  options: Omit<Api<Q, R>, 'stableMax'> & { readonly stableMax?: number },
): Api<Q, R> {
  return { ...options, stableMax: options.stableMax ?? options.versions[1] }
}

export type Request<A> = A extends Api<infer Q, Fields> ? Infer<Q> : never
export type Response<A> = A extends Api<Fields, infer R> ? Draft<R> : never

/** A standalone message: a header, or the content of a record in an internal log. */
export interface Data<F extends Fields = Fields> {
  readonly name: string
  /** The record type, which precedes the value (metadata) or is in the key (coordinators). */
  readonly key: number | null
  readonly versions: readonly [number, number]
  readonly flexible: number | null
  readonly fields: F
}

export type AnyData = Data

export function data<F extends Fields>(
  options: Omit<Data<F>, 'key'> & { readonly key?: number },
): Data<F> {
  return { ...options, key: options.key ?? null }
}

export type ValueOf<D> = D extends Data<infer F> ? Infer<F> : never
export type DraftOf<D> = D extends Data<infer F> ? Draft<F> : never

/** Bytes that do not match the schema: no response is possible, and the connection is closed. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
  readonly reason: ErrorName = 'INVALID_REQUEST'
}
