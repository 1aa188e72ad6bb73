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

/** Reader and writer of one layout in one version. */
export interface Codec<F extends Fields> {
  read(reader: Reader): Infer<F>
  write(writer: Writer, value: Draft<F>): void
}

/**
 * A codec for large messages: it yields after every few hundred elements, so that the caller can do
 * other work in between.
 */
export interface SlicedCodec<F extends Fields> {
  read(reader: Reader): Generator<void, Infer<F>>
  write(writer: Writer, value: Draft<F>): Generator<void, void>
}

/** Compiled codecs by layout; the array has two entries per version: not flexible and flexible. */
const compiled = new WeakMap<Fields, (Codec<Fields> | undefined)[]>()
const compiledSliced = new WeakMap<Fields, (SlicedCodec<Fields> | undefined)[]>()

/** Returns the codec of a layout in a version. On first use its generated source is compiled. */
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

/** Like `codecOf`, for a sliced codec. */
export function slicedCodecOf<F extends Fields>(
  fields: F,
  version: number,
  flexible: number | null,
): SlicedCodec<F> {
  let versions = compiledSliced.get(fields)
  if (versions === undefined) compiledSliced.set(fields, (versions = []))
  const isFlexible = flexible !== null && version >= flexible
  const key = version * 2 + (isFlexible ? 1 : 0)
  return (versions[key] ??= compileSliced(fields, version, isFlexible)) as SlicedCodec<F>
}

/** @throws Malformed if the bytes do not match the layout. */
export function decode<F extends Fields>(codec: Codec<F>, reader: Reader): Infer<F> {
  return codec.read(reader)
}

/** Encodes the body of a record in an internal log, without the version that precedes it. */
export function encodeData<F extends Fields>(
  of: Data<F>,
  version: number,
  value: Draft<F>,
): Buffer {
  const writer = new Writer()
  codecOf(of.fields, version, of.flexible).write(writer, value)
  return writer.toBuffer()
}

/** @throws Malformed if the bytes do not match the layout. */
export function decodeData<F extends Fields>(of: Data<F>, version: number, from: Reader): Infer<F> {
  return decode(codecOf(of.fields, version, of.flexible), from)
}

export function requestCodec<Q extends Fields>(of: Api<Q>, version: number): Codec<Q> {
  return codecOf(of.request, version, of.flexible)
}

export function responseCodec<R extends Fields>(of: Api<Fields, R>, version: number): Codec<R> {
  return codecOf(of.response, version, of.flexible)
}

export function isFlexible(of: AnyApi, version: number): boolean {
  return of.flexible !== null && version >= of.flexible
}

/** Returns the default of a field, explicit or as in Kafka's generated classes. */
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

/** Maximum length of arrays that are preallocated; longer ones grow with the elements present. */
const preparedMax = 1024

/** Number of array elements between two yields of a sliced codec. */
const partsBetween = 128

const emptyArray = Object.freeze([])
const emptyBytes = Buffer.alloc(0)

/**
 * Returns whether a tagged field is omitted. `value` may be a draft: undefined means the default.
 */
function isDefault(type: AnyType, value: unknown): boolean {
  if (value === undefined) return true
  const { kind, fields } = type.traits
  const usual = defaultOf(type)
  if (value === null || usual === null) return value === usual
  if (kind === 'array') return (value as readonly unknown[]).length === 0
  if (kind === 'bytes' || kind === 'records') return (value as Uint8Array).byteLength === 0
  if (kind !== 'struct') return value === usual
  const struct = value as Record<string | symbol, unknown>
  // Unknown tagged fields count too, as in Kafka's `equals`.
  if (struct[unknownTags] !== undefined) return false
  return Object.entries(fields!).every(([name, field]) => isDefault(field, struct[name]))
}

function compile(fields: Fields, version: number, flexible: boolean): Codec<Fields> {
  return made(new Source(version, flexible, false), fields) as Codec<Fields>
}

function compileSliced(fields: Fields, version: number, flexible: boolean): SlicedCodec<Fields> {
  return made(new Source(version, flexible, true), fields) as SlicedCodec<Fields>
}

function made(source: Source, fields: Fields): unknown {
  const read = source.reader(fields, true)
  const write = source.writer(fields, true)
  const body = `${source.text}\nreturn { read: ${read}, write: ${write} }`
  const make = new Function('constants', 'isDefault', 'unknownTags', body)
  return make(source.constants, isDefault, unknownTags)
}

/** Generates the source of one layout, with a function per struct and direction. */
class Source {
  text = '"use strict"'
  readonly constants: unknown[] = []
  private functions = 0
  private readonly version: number
  private readonly flexible: boolean
  private sliced: boolean

  constructor(version: number, flexible: boolean, sliced: boolean) {
    this.version = version
    this.flexible = flexible
    this.sliced = sliced
  }

  reader(fields: Fields, isWhole = false): string {
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
    return this.define('r', [...lines, 'return v'], this.isSliced(fields, isWhole))
  }

  writer(fields: Fields, isWhole = false): string {
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
    return this.define('w, v', lines, this.isSliced(fields, isWhole))
  }

  private taggedWriter(tagged: readonly { tag: number; name: string; type: AnyType }[]): string[] {
    const lines = [
      'const unknown = v[unknownTags]',
      'let n = unknown === undefined ? 0 : unknown.length',
    ]
    const known = tagged.map(({ tag, name, type }, i) => {
      const usual = `v.${name} === undefined || ${this.isUsual(type, `v.${name}`)}`
      lines.push(`const d${i} = ${usual}; if (!d${i}) n++`)
      const inner = this.atOnce(() => this.write('x', type, name))
      return `if (!d${i}) w.tagged(${tag}, () => { const x = v.${name}; ${inner} })`
    })
    lines.push('w.unsignedVarint(n)', ...known)
    lines.push('if (unknown !== undefined) for (const field of unknown) w.unknownTag(field)')
    return lines
  }

  /** Returns an expression for whether a tagged field has its default. */
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

  /** Kafka's classes reject a known tag that this version does not have. */
  private isTagOfAnotherVersion(type: AnyType): boolean {
    return type.traits.tag >= 0 && !(this.has(type) && this.isTagged(type))
  }

  private isNullable({ traits }: AnyType): boolean {
    return this.version >= traits.nullableSince && this.version <= traits.nullableUntil
  }

  /** Returns the name of a method, or of its compact form if this version uses it. */
  private method(name: string, { traits }: AnyType): string {
    if (!this.flexible || traits.neverCompact) return name
    return `compact${name[0]!.toUpperCase()}${name.slice(1)}`
  }

  /** Returns a statement that reads the field into `target`. */
  private readInto(target: string, type: AnyType, name: string): string {
    const { kind, element, fields } = type.traits
    const nullable = this.isNullable(type)
    const refuse = `r.nonNull(null, ${JSON.stringify(name)})`
    if (kind === 'array') {
      const at = `${target}_`
      const push =
        element!.traits.kind === 'struct'
          ? `${at}a[i] = ${this.call(this.reader(element!.traits.fields!), '(r)', element!)}`
          : `let ${at}e; ${this.readInto(`${at}e`, element!, name)}; ${at}a[i] = ${at}e`
      const length = `const ${at}n = r.${this.method('arrayLength', type)}()`
      const ifNull = nullable ? `${target} = null` : refuse
      return `{ ${length}; if (${at}n < 0) { ${ifNull} } else { const ${at}a = ${at}n > ${preparedMax} ? [] : new Array(${at}n); for (let i = 0; i < ${at}n; i++) { ${this.pause()}${push} } ${target} = ${at}a } }`
    }
    if (kind === 'struct') {
      const read = this.call(this.reader(fields!), '(r)', type)
      if (!nullable) return `${target} = ${read}`
      // Null is encoded as a varint 0 before a tagged field, otherwise as a byte -1.
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
          ? this.call(this.writer(element!.traits.fields!), `(w, ${from}[i])`, element!)
          : `const ${from}e = ${from}[i]; ${this.write(`${from}e`, element!, name)}`
      return `if (${from} === null) w.${length}(-1); else { w.${length}(${from}.length); for (let i = 0; i < ${from}.length; i++) { ${this.pause()}${one} } }`
    }
    if (kind === 'struct') {
      const write = this.call(this.writer(fields!), `(w, ${from})`, type)
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

  /** Only structs that may be large are sliced, and always the message itself. */
  private isSliced(fields: Fields, isWhole = false): boolean {
    if (!this.sliced || isWhole) return this.sliced
    return Object.values(fields).some(({ traits }) => {
      if (traits.kind === 'array') return true
      return traits.kind === 'struct' && this.isSliced(traits.fields!)
    })
  }

  private call(name: string, args: string, { traits }: AnyType): string {
    return this.isSliced(traits.fields!) ? `yield* ${name}${args}` : `${name}${args}`
  }

  private pause(): string {
    return this.sliced ? `if (i % ${partsBetween} === ${partsBetween - 1}) yield; ` : ''
  }

  /** Code in its own function, as for tagged fields, cannot yield. */
  private atOnce<T>(make: () => T): T {
    const { sliced } = this
    this.sliced = false
    try {
      return make()
    } finally {
      this.sliced = sliced
    }
  }

  private define(parameters: string, lines: readonly string[], sliced: boolean): string {
    const name = `f_${this.functions++}`
    this.text += `\nfunction${sliced ? '*' : ''} ${name}(${parameters}) {\n${lines.join('\n')}\n}`
    return name
  }
}
