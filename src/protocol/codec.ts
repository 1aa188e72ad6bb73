import { type Reader, unknownTags } from './reader.ts'
import {
  type AnyApi,
  type AnyType,
  type Api,
  type Data,
  type Draft,
  type Fields,
  type Infer,
  zeroUuid,
} from './schema.ts'
import { Writer } from './writer.ts'

/** Both directions of one layout in one version. */
export interface Codec<F extends Fields> {
  read(reader: Reader): Infer<F>
  write(writer: Writer, value: Draft<F>): void
}

/** By layout; the list by version, twice: not flexible and flexible. */
const compiled = new WeakMap<Fields, (Codec<any> | undefined)[]>()

/** The codec of a layout in a version, made on first use: source text compiled by the engine. */
export function codecOf<F extends Fields>(
  fields: F,
  version: number,
  flexible: number | null,
): Codec<F> {
  let versions = compiled.get(fields)
  if (versions === undefined) compiled.set(fields, (versions = []))
  const isFlexible = flexible !== null && version >= flexible
  const key = version * 2 + (isFlexible ? 1 : 0)
  return (versions[key] ??= compile(fields, version, isFlexible)) as Codec<F>
}

/** @throws Malformed when the bytes do not follow the layout. */
export function decode<F extends Fields>(codec: Codec<F>, reader: Reader): Infer<F> {
  return codec.read(reader)
}

/** The body of a record of an internal log, without the version that stands before it. */
export function encodeData<F extends Fields>(
  of: Data<F>,
  version: number,
  value: Draft<F>,
): Buffer {
  const writer = new Writer()
  codecOf(of.fields, version, of.flexible).write(writer, value)
  return writer.toBuffer()
}

/** @throws Malformed when the bytes do not follow the layout. */
export function decodeData<F extends Fields>(of: Data<F>, version: number, from: Reader): Infer<F> {
  return decode(codecOf(of.fields, version, of.flexible), from)
}

export function requestCodec<Q extends Fields>(of: Api<Q, any>, version: number): Codec<Q> {
  return codecOf(of.request, version, of.flexible)
}

export function responseCodec<R extends Fields>(of: Api<any, R>, version: number): Codec<R> {
  return codecOf(of.response, version, of.flexible)
}

export function isFlexible(of: AnyApi, version: number): boolean {
  return of.flexible !== null && version >= of.flexible
}

/** What a field is when nothing says otherwise, as Kafka's generated classes start out. */
export function defaultOf(type: AnyType): unknown {
  const { kind, explicitDefault, fields } = type.traits
  if (explicitDefault !== null) return explicitDefault.value
  if (kind === 'struct') return Object.freeze(defaultsOf(fields!))
  if (kind === 'array') return emptyArray
  if (kind === 'bool') return false
  if (kind === 'string') return ''
  if (kind === 'uuid') return zeroUuid
  if (kind === 'bytes' || kind === 'records') return emptyBytes
  return kind === 'int64Exact' ? 0n : 0
}

export function defaultsOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, defaultOf(type)]))
}

/** Arrays up to here are made at their length; longer ones grow with what is really there. */
const preparedMax = 1024

const emptyArray = Object.freeze([])
const emptyBytes = Buffer.alloc(0)

/** Whether a tagged field needs no bytes. `value` may be a draft: missing means default. */
function isDefault(type: AnyType, value: unknown): boolean {
  if (value === undefined) return true
  const { kind, fields } = type.traits
  const usual = defaultOf(type)
  if (value === null || usual === null) return value === usual
  if (kind === 'array') return (value as readonly unknown[]).length === 0
  if (kind === 'bytes' || kind === 'records') return (value as Uint8Array).byteLength === 0
  if (kind !== 'struct') return value === usual
  const struct = value as Record<string | symbol, unknown>
  // Tagged fields that this release does not know count too, as in Kafka's `equals`.
  if (struct[unknownTags] !== undefined) return false
  return Object.entries(fields!).every(([name, field]) => isDefault(field, struct[name]))
}

function compile(fields: Fields, version: number, flexible: boolean): Codec<any> {
  const source = new Source(version, flexible)
  const read = source.reader(fields)
  const write = source.writer(fields)
  const body = `${source.text}\nreturn { read: ${read}, write: ${write} }`
  const make = new Function('constants', 'isDefault', 'unknownTags', body)
  return make(source.constants, isDefault, unknownTags) as Codec<any>
}

/** Collects the functions of one layout as source text: a function a struct, each way. */
class Source {
  text = '"use strict"'
  readonly constants: unknown[] = []
  private functions = 0
  private readonly version: number
  private readonly flexible: boolean

  constructor(version: number, flexible: boolean) {
    this.version = version
    this.flexible = flexible
  }

  reader(fields: Fields): string {
    const lines: string[] = []
    const tagged: string[] = []
    const names = Object.keys(fields)
    names.forEach((name, i) => {
      const type = fields[name]!
      if (this.isTagOfAnotherVersion(type)) {
        const tag = type.traits.tag
        tagged.push(`case ${tag}: r.refuseTag(${tag}, ${this.version})`)
      }
      if (!this.has(type)) lines.push(`const f${i} = ${this.constant(defaultOf(type))}`)
      else if (this.isTagged(type)) {
        lines.push(`let f${i} = ${this.constant(defaultOf(type))}`)
        tagged.push(`case ${type.traits.tag}: ${this.readInto(`f${i}`, type, name)}; break`)
      } else lines.push(`let f${i}; ${this.readInto(`f${i}`, type, name)}`)
    })
    if (this.flexible) {
      lines.push(
        'let unknown = null',
        'for (let n = r.unsignedVarint(); n > 0; n--) {',
        'const tag = r.unsignedVarint(), size = r.unsignedVarint()',
        `switch (tag) { ${tagged.join('; ')}${tagged.length > 0 ? '; ' : ''}`,
        'default: unknown = r.unknownTag(unknown, tag, size) } }',
      )
    }
    lines.push(`const v = { ${names.map((name, i) => `${name}: f${i}`).join(', ')} }`)
    if (this.flexible) lines.push('if (unknown !== null) v[unknownTags] = unknown')
    return this.define('r', [...lines, 'return v'])
  }

  writer(fields: Fields): string {
    const lines: string[] = []
    const tagged: { readonly tag: number; readonly name: string; readonly type: AnyType }[] = []
    for (const [name, type] of Object.entries(fields)) {
      if (!this.has(type)) continue
      if (this.isTagged(type)) tagged.push({ tag: type.traits.tag, name, type })
      else {
        lines.push(`{ let x = v.${name}`)
        lines.push(`if (x === undefined) x = ${this.constant(defaultOf(type))}`)
        lines.push(`${this.write('x', type, name)} }`)
      }
    }
    if (this.flexible) lines.push(...this.taggedWriter(tagged.sort((a, b) => a.tag - b.tag)))
    return this.define('w, v', lines)
  }

  private taggedWriter(tagged: readonly { tag: number; name: string; type: AnyType }[]): string[] {
    const lines = [
      'const unknown = v[unknownTags]',
      'let n = unknown === undefined ? 0 : unknown.length',
    ]
    const known = tagged.map(({ tag, name, type }, i) => {
      const usual = `v.${name} === undefined || ${this.isUsual(type, `v.${name}`)}`
      lines.push(`const d${i} = ${usual}; if (!d${i}) n++`)
      const inner = this.write('x', type, name)
      return `if (!d${i}) w.tagged(${tag}, () => { const x = v.${name}; ${inner} })`
    })
    lines.push('w.unsignedVarint(n)', ...known)
    lines.push('if (unknown !== undefined) for (const field of unknown) w.unknownTag(field)')
    return lines
  }

  /** An expression that tells whether a tagged field has its default. */
  private isUsual(type: AnyType, from: string): string {
    const { kind } = type.traits
    const usual = defaultOf(type)
    const compares = kind !== 'array' && kind !== 'struct' && kind !== 'bytes' && kind !== 'records'
    if (compares) return `${from} === ${this.constant(usual)}`
    return `isDefault(${this.constant(type)}, ${from})`
  }

  private has({ traits }: AnyType): boolean {
    return this.version >= traits.since && this.version <= traits.until
  }

  private isTagged({ traits }: AnyType): boolean {
    return this.flexible && this.version >= traits.taggedSince
  }

  /** Kafka's classes refuse a tag that they know, but not in this version. */
  private isTagOfAnotherVersion(type: AnyType): boolean {
    return type.traits.tag >= 0 && !(this.has(type) && this.isTagged(type))
  }

  private isNullable({ traits }: AnyType): boolean {
    return this.version >= traits.nullableSince && this.version <= traits.nullableUntil
  }

  /** A method's name with its compact form where this version has it. */
  private method(name: string, { traits }: AnyType): string {
    if (!this.flexible || traits.neverCompact) return name
    return `compact${name[0]!.toUpperCase()}${name.slice(1)}`
  }

  /** A statement that puts the field's value into `target`. */
  private readInto(target: string, type: AnyType, name: string): string {
    const { kind, element, fields } = type.traits
    const nullable = this.isNullable(type)
    const refuse = `r.nonNull(null, ${JSON.stringify(name)})`
    if (kind === 'array') {
      const at = `${target}_`
      const push =
        element!.traits.kind === 'struct'
          ? `${at}a[i] = ${this.reader(element!.traits.fields!)}(r)`
          : `let ${at}e; ${this.readInto(`${at}e`, element!, name)}; ${at}a[i] = ${at}e`
      const length = `const ${at}n = r.${this.method('arrayLength', type)}()`
      const ifNull = nullable ? `${target} = null` : refuse
      return `{ ${length}; if (${at}n < 0) { ${ifNull} } else { const ${at}a = ${at}n > ${preparedMax} ? [] : new Array(${at}n); for (let i = 0; i < ${at}n; i++) { ${push} } ${target} = ${at}a } }`
    }
    if (kind === 'struct') {
      const read = `${this.reader(fields!)}(r)`
      if (!nullable) return `${target} = ${read}`
      // As a tagged field, null is a varint 0 in front; elsewhere it is a byte -1.
      const isNull = this.isTagged(type) ? 'r.unsignedVarint() === 0' : 'r.int8() < 0'
      return `${target} = ${isNull} ? null : ${read}`
    }
    if (kind === 'string' || kind === 'bytes' || kind === 'records') {
      const read = `r.${this.method(kind === 'string' ? 'string' : 'bytes', type)}()`
      return `${target} = ${read}${nullable ? '' : `; if (${target} === null) ${refuse}`}`
    }
    return `${target} = r.${kind}()`
  }

  private write(from: string, type: AnyType, name: string): string {
    const { kind, element, fields } = type.traits
    if (kind === 'array') {
      const length = this.method('arrayLength', type)
      const one =
        element!.traits.kind === 'struct'
          ? `${this.writer(element!.traits.fields!)}(w, ${from}[i])`
          : `const ${from}e = ${from}[i]; ${this.write(`${from}e`, element!, name)}`
      return `if (${from} === null) w.${length}(-1); else { w.${length}(${from}.length); for (let i = 0; i < ${from}.length; i++) { ${one} } }`
    }
    if (kind === 'struct') {
      const write = `${this.writer(fields!)}(w, ${from})`
      if (!this.isNullable(type)) return write
      const [absent, present] = this.isTagged(type)
        ? ['w.unsignedVarint(0)', 'w.unsignedVarint(1)']
        : ['w.int8(-1)', 'w.int8(1)']
      return `if (${from} === null) ${absent}; else { ${present}; ${write} }`
    }
    if (kind === 'string' || kind === 'bytes' || kind === 'records') {
      return `w.${this.method(kind, type)}(${from})`
    }
    return `w.${kind}(${from})`
  }

  private constant(value: unknown): string {
    if (value === null || typeof value === 'number' || typeof value === 'boolean')
      return String(value)
    if (typeof value === 'string') return JSON.stringify(value)
    this.constants.push(value)
    return `constants[${this.constants.length - 1}]`
  }

  private define(parameters: string, lines: readonly string[]): string {
    const name = `f_${this.functions++}`
    this.text += `\nfunction ${name}(${parameters}) {\n${lines.join('\n')}\n}`
    return name
  }
}
