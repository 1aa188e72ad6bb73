import { isAtHand, type LaterBytes } from '../base/pieces.ts'
import { defaultOf } from './codec.ts'
import type { AnyType, Draft, Fields, Infer, Pieces } from './schema.ts'

/**
 * Returns a message as the other side would read it after it was written in this version, without
 * writing it: fields that the version lacks have their defaults. Bytes are passed by reference.
 */
export function completed<F extends Fields>(
  fields: F,
  version: number,
  draft: Draft<F>,
): Infer<F> | Promise<Infer<F>> {
  const unread: Promise<void>[] = []
  const whole = structOf(fields, version, draft, unread)
  if (unread.length === 0) return whole as Infer<F>
  return Promise.all(unread).then(() => whole as Infer<F>)
}

type Values = Record<string, unknown>

function structOf(fields: Fields, version: number, draft: object, unread: Promise<void>[]): Values {
  const values: Values = {}
  for (const name in fields) {
    const type = fields[name]!
    const given = (draft as Values)[name]
    const isSent = given !== undefined && isIn(type, version)
    values[name] = isSent ? sentValue(type, version, given, unread) : defaultOf(type)
    const later = values[name]
    if (later instanceof Promise) {
      unread.push(
        later.then((bytes) => {
          values[name] = bytes
        }),
      )
    }
  }
  return values
}

function isIn({ traits: { since, until } }: AnyType, version: number): boolean {
  return version >= since && version <= until
}

function sentValue(
  { traits: { kind, element, fields } }: AnyType,
  version: number,
  value: unknown,
  unread: Promise<void>[],
): unknown {
  if (value === null) return null
  switch (kind) {
    case 'struct':
      return structOf(fields!, version, value as object, unread)
    case 'array':
      if (element!.traits.kind !== 'struct') return value
      return (value as object[]).map((one) =>
        structOf(element!.traits.fields!, version, one, unread),
      )
    case 'bytes':
    case 'records':
      return joined(value as Pieces)
    default:
      return value
  }
}

function joined(pieces: Pieces): Buffer | Promise<Buffer> {
  if (Array.isArray(pieces)) {
    return pieces.length === 1 ? view(pieces[0]!) : Buffer.concat(pieces as Uint8Array[])
  }
  const one = pieces as Uint8Array | LaterBytes
  return isAtHand(one) ? view(one) : readAll(one)
}

const view = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)

async function readAll(later: LaterBytes): Promise<Buffer> {
  try {
    return await later.read(0, later.byteLength)
  } finally {
    later.release?.()
  }
}
