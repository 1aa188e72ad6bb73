import type { LaterBytes } from '../base/pieces.ts'
import type { ErrorName } from './errors.ts'

/** What a field is on the wire; see the message format of Apache Kafka (`MessageGenerator`). */
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

/** Bytes that are written by reference: one piece, at hand or not, or pieces that follow each other. */
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
 * One field's type. `T` is what a reader returns, `D` what a writer takes, `Optional` whether a
 * writer may leave it out (its default is written, or nothing where the version has no such field).
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

  /** The first version that has the field; a reader fills in the default before that. */
  since(version: number): Type<T, D, true> {
    return this.with<T, D, true>({ since: version })
  }

  /** The last version that has the field. */
  until(version: number): Type<T, D, true> {
    return this.with<T, D, true>({ until: version })
  }

  /** null is allowed from this version on (and up to `until`). */
  nullable(since = 0, until = never): Type<T | null, D | null, Optional> {
    return this.with<T | null, D | null>({ nullableSince: since, nullableUntil: until })
  }

  /** What a missing field means, and what a reader gives for a version without it. */
  default(value: T): Type<T, D, true> {
    return this.with<T, D, true>({ explicitDefault: { value } })
  }

  /** A tagged field (KIP-482) from version `since` on: written only when it differs from its default. */
  tagged(tag: number, since = 0): Type<T, D, true> {
    return this.with<T, D, true>({ tag, taggedSince: since })
  }

  /** A string that keeps its two-byte length in flexible versions (the client id of the header). */
  neverCompact(): Type<T, D, Optional> {
    return this.with({ neverCompact: true })
  }
}

export type AnyType = Type<any, any, boolean>
export type Fields = Readonly<Record<string, AnyType>>

/** The value a reader returns: every field present, in the newest shape. */
export type Infer<F extends Fields> = { readonly [K in keyof F]: F[K]['read'] }

type Required<F extends Fields> = {
  [K in keyof F]: F[K]['optional'] extends true ? never : K
}[keyof F]

/** The value a writer takes: fields with a default, a tag or a version range may be left out. */
export type Draft<F extends Fields> = {
  readonly [K in Required<F>]: F[K]['draft']
} & { readonly [K in Exclude<keyof F, Required<F>>]?: F[K]['draft'] | undefined }

export const bool = new Type<boolean>({ kind: 'bool' })
export const int8 = new Type<number>({ kind: 'int8' })
export const int16 = new Type<number>({ kind: 'int16' })
export const uint16 = new Type<number>({ kind: 'uint16' })
export const int32 = new Type<number>({ kind: 'int32' })
export const uint32 = new Type<number>({ kind: 'uint32' })
/** Exact within ±2^53; beyond, the nearest double. Long.MAX and Long.MIN round-trip. */
export const int64 = new Type<number>({ kind: 'int64' })
/** All 64 bits, where they are no number to count with (a hash). */
export const int64Exact = new Type<bigint>({ kind: 'int64Exact' })
export const float64 = new Type<number>({ kind: 'float64' })
export const string = new Type<string>({ kind: 'string' })
/** 16 bytes in Kafka's text form: 22 characters of base64url. */
export const uuid = new Type<string>({ kind: 'uuid' })
/** A view on the frame, not a copy. */
export const bytes = new Type<Buffer, Uint8Array>({ kind: 'bytes' })
/** Record batches: a view on the frame when read, written by reference. */
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

/** One request and response pair of the wire protocol. */
export interface Api<Q extends Fields = Fields, R extends Fields = Fields> {
  readonly name: string
  readonly key: number
  /** The versions that have a layout, both inclusive. */
  readonly versions: readonly [number, number]
  /** The last version that is advertised; versions beyond it are still in the making in 4.4.0. */
  readonly stableMax: number
  /** The first version with compact lengths and tagged fields (KIP-482); null for none. */
  readonly flexible: number | null
  readonly request: Q
  readonly response: R
}

export type AnyApi = Api<any, any>

export function api<Q extends Fields, R extends Fields>(
  o: Omit<Api<Q, R>, 'stableMax'> & { readonly stableMax?: number },
): Api<Q, R> {
  return { ...o, stableMax: o.stableMax ?? o.versions[1] }
}

export type Request<A> = A extends Api<infer Q, any> ? Infer<Q> : never
export type Response<A> = A extends Api<any, infer R> ? Draft<R> : never

/** A message that stands alone: a header, or what a record of an internal log holds. */
export interface Data<F extends Fields = Fields> {
  readonly name: string
  /** The record type that stands before the value (metadata) or in the key (coordinators). */
  readonly key: number | null
  readonly versions: readonly [number, number]
  readonly flexible: number | null
  readonly fields: F
}

export type AnyData = Data<any>

export function data<F extends Fields>(
  o: Omit<Data<F>, 'key'> & { readonly key?: number },
): Data<F> {
  return { ...o, key: o.key ?? null }
}

export type ValueOf<D> = D extends Data<infer F> ? Infer<F> : never
export type DraftOf<D> = D extends Data<infer F> ? Draft<F> : never

/** Bytes that do not follow the schema: the request cannot be answered, the connection is closed. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
  readonly reason: ErrorName = 'INVALID_REQUEST'
}
