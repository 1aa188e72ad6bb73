import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { codecOf, decode, defaultOf, slicedCodecOf } from '../../src/protocol/codec.ts'
import { messages } from '../../src/protocol/messages/index.ts'
import { Reader, type UnknownTag, unknownTags } from '../../src/protocol/reader.ts'
import type { AnyType, Fields } from '../../src/protocol/schema.ts'
import { stored } from '../../src/protocol/stored/index.ts'
import { Writer } from '../../src/protocol/writer.ts'

/** A message in one version: the value as Kafka's JsonConverter prints it, and Kafka's bytes. */
export interface Vector {
  readonly message: string
  readonly version: number
  readonly json: Json
  readonly hex: string
}

type Json = Record<string, unknown>

export interface Layout {
  readonly fields: Fields
  readonly flexible: number | null
  readonly versions: readonly [number, number]
}

/** Every message by the name of Kafka's class. */
export const layouts = new Map<string, Layout>()
for (const { name, request, response, flexible, versions } of messages) {
  layouts.set(`${name}Request`, { fields: request, flexible, versions })
  layouts.set(`${name}Response`, { fields: response, flexible, versions })
}
for (const data of Object.values(stored).flat()) layouts.set(data.name, data)

export function readVectors(path: string): Vector[] {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Vector)
}

export interface Verdict {
  /** The value read from the bytes, in Kafka's JSON form. */
  readonly read: unknown
  readonly readExpected: unknown
  readonly bytesLeft: number
  /** The bytes written for the value that was read. */
  readonly rewritten: string
  /** The bytes written for the value of the JSON form. */
  readonly written: string
  /** The same by the codec that pauses. */
  readonly readInSlices: unknown
  readonly writtenInSlices: string
}

export function judge({ message, version, json, hex }: Vector): Verdict {
  const layout = layouts.get(message)
  if (layout === undefined) throw new Error(`no schema for ${message}`)
  const codec = codecOf(layout.fields, version, layout.flexible)
  const written = (value: object) => {
    const writer = new Writer()
    codec.write(writer, value as never)
    return writer.toBuffer().toString('hex')
  }
  const sliced = slicedCodecOf(layout.fields, version, layout.flexible)
  const writtenInSlices = (value: object) => {
    const writer = new Writer()
    toEnd(sliced.write(writer, value as never))
    return writer.toBuffer().toString('hex')
  }
  const inSlices = toEnd(sliced.read(new Reader(Buffer.from(hex, 'hex')))) as Json
  const reader = new Reader(Buffer.from(hex, 'hex'))
  const value = decode(codec, reader) as Json
  return {
    read: toJson(layout.fields, version, value),
    readExpected: withDefaults(layout.fields, version, json),
    bytesLeft: reader.remaining,
    rewritten: written(value),
    written: written(fromJson(layout.fields, json)),
    readInSlices: toJson(layout.fields, version, inSlices),
    writtenInSlices: writtenInSlices(fromJson(layout.fields, json)),
  }
}

function toEnd<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const tagsName = '~tags'

/** Converts a value of ours to the JSON form. */
function toJson(fields: Fields, version: number, value: Json): Json {
  const json: Json = {}
  for (const [name, type] of Object.entries(fields)) {
    const { since, until } = type.traits
    if (version >= since && version <= until) json[name] = fieldToJson(type, version, value[name])
  }
  const unknown = (value as any)[unknownTags] as readonly UnknownTag[] | undefined
  if (unknown !== undefined) {
    json[tagsName] = unknown.map(({ tag, bytes }) => [tag, Buffer.from(bytes).toString('hex')])
  }
  return json
}

function fieldToJson(type: AnyType, version: number, value: any): unknown {
  const { kind, element, fields } = type.traits
  if (value === null) return null
  if (kind === 'array') return value.map((one: unknown) => fieldToJson(element!, version, one))
  if (kind === 'struct') return toJson(fields!, version, value)
  if (kind === 'bytes' || kind === 'records') return Buffer.from(value).toString('base64')
  return value
}

/** Adds the fields that the converters omit: tagged fields with their default. */
function withDefaults(fields: Fields, version: number, json: Json): Json {
  const full: Json = {}
  for (const [name, type] of Object.entries(fields)) {
    const { since, until } = type.traits
    if (version < since || version > until) continue
    full[name] =
      name in json
        ? fieldWithDefaults(type, version, json[name])
        : fieldToJson(type, version, defaultOf(type))
  }
  for (const name of Object.keys(json)) {
    if (name === tagsName) {
      if ((json[tagsName] as unknown[]).length > 0) full[tagsName] = json[tagsName]
    } else if (!(name in full)) full[name] = json[name]
  }
  return full
}

function fieldWithDefaults(type: AnyType, version: number, json: any): unknown {
  const { kind, element, fields } = type.traits
  if (json === null) return null
  if (kind === 'array') {
    return json.map((one: unknown) => fieldWithDefaults(element!, version, one))
  }
  if (kind === 'struct') return withDefaults(fields!, version, json)
  return fieldFromJson(type, json, (bytes) => bytes.toString('base64'))
}

/** Converts the JSON form to the value that a handler passes to the writer. */
function fromJson(fields: Fields, json: Json): Json {
  const value: Json = {}
  for (const [name, one] of Object.entries(json)) {
    if (name === tagsName) {
      const tags = one as readonly [number, string][]
      const unknown = tags.map(([tag, hex]) => ({ tag, bytes: Buffer.from(hex, 'hex') }))
      ;(value as any)[unknownTags] = unknown
      continue
    }
    const type = fields[name]
    if (type === undefined) throw new Error(`no field ${name}`)
    value[name] = fieldFromJson(type, one, (bytes) => bytes)
  }
  return value
}

function fieldFromJson(type: AnyType, json: any, ofBytes: (bytes: Buffer) => unknown): unknown {
  const { kind, element, fields } = type.traits
  if (json === null) return null
  if (kind === 'array') {
    return json.map((one: unknown) => fieldFromJson(element!, one, ofBytes))
  }
  if (kind === 'struct') return fromJson(fields!, json)
  if (kind === 'bytes' || kind === 'records') return ofBytes(Buffer.from(json, 'base64'))
  // A long beyond the range of a double is a text there.
  if (kind === 'int64') return Number(json)
  if (kind === 'int64Exact') return BigInt(json)
  return json
}
