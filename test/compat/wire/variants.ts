import type { AnyApi, AnyType, Fields } from '../../../src/protocol/schema.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'
import { nobodysId } from './topics.ts'

/** A request that differs from a valid one in one place. */
export interface Variant {
  readonly title: string
  readonly body: object
}

const ends: Readonly<Record<string, readonly number[]>> = {
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  uint16: [65_535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63],
}
const oddFloats = [-1, 0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e300]
const oddStrings = ['', ' ', 'not a name!', 'x'.repeat(300), '.', 'ünïcode']

/**
 * All invalid values of one field at a time: empty arrays and repeated elements; null where it is
 * permitted; numbers that are negative, zero, or the ends of their range; unknown names.
 * @param base a request that both brokers answer without an error; of its arrays the first element
 * is varied.
 */
export function variantsOf({ request }: AnyApi, version: number, base: object): Variant[] {
  const variants: Variant[] = []
  const put = (title: string, body: unknown) => variants.push({ title, body: body as object })
  walkStruct(request, base as Record<string, unknown>, '', version, put)
  return variants
}

type Put = (title: string, value: unknown) => void

function walkStruct(
  fields: Fields,
  base: Readonly<Record<string, unknown>>,
  path: string,
  version: number,
  put: Put,
): void {
  for (const [name, type] of Object.entries(fields)) {
    const { since, until, tag, taggedSince, explicitDefault } = type.traits
    const isTagged = tag >= 0 && version >= taggedSince
    if (version < since || version > until || (isTagged && version < since)) continue
    const value = name in base ? base[name] : explicitDefault?.value
    const place = path === '' ? name : `${path}.${name}`
    walk(type, value, place, version, (title, changed) => put(title, { ...base, [name]: changed }))
  }
}

function walk(type: AnyType, value: unknown, path: string, version: number, put: Put): void {
  const { kind, nullableSince, nullableUntil, element, fields } = type.traits
  const set = (changed: unknown) => {
    if (changed === value) return
    put(`${path} = ${shown(changed)}`, changed)
  }
  if (version >= nullableSince && version <= nullableUntil) set(null)
  if (kind === 'bool') set(value !== true)
  else if (kind === 'uuid') for (const id of [zeroUuid, nobodysId]) set(id)
  else if (kind === 'string') for (const text of oddStrings) set(text)
  else if (kind === 'float64') for (const number of oddFloats) set(number)
  else if (kind === 'bytes') for (const bytes of ['', '\0\x01\x02']) set(Buffer.from(bytes))
  else if (kind === 'records') set(Buffer.alloc(0))
  else if (kind === 'struct' && value !== null && value !== undefined) {
    walkStruct(fields!, value as Record<string, unknown>, path, version, put)
  } else if (kind === 'array') {
    const list = (value ?? []) as readonly unknown[]
    if (list.length > 0) set([])
    const [first, ...rest] = list
    if (first === undefined) return
    put(`${path} with its first twice`, [first, first, ...rest])
    const inElement: Put = (title, changed) => put(title, [changed, ...rest])
    walk(element!, first, `${path}[0]`, version, inElement)
    // Of two elements, one number or name is the same and the rest is not.
    walk(element!, first, `${path}[+]`, version, (title, changed) => {
      put(`${title}, beside`, [first, changed, ...rest])
    })
  } else for (const number of [-1, -2, 0, 1, ...(ends[kind] ?? [])]) set(number)
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
