import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { codecOf, decode } from '../../src/protocol/codec.ts'
import { messages } from '../../src/protocol/messages/index.ts'
import { Reader } from '../../src/protocol/reader.ts'
import type { AnyType, Fields } from '../../src/protocol/schema.ts'
import { stored } from '../../src/protocol/stored/index.ts'
import { Writer } from '../../src/protocol/writer.ts'

/** Bytes and values that Kafka's own generated classes wrote: see the README beside them. */
const folder = join(import.meta.dirname, '..', 'golden', 'messages')

interface Vector {
  readonly message: string
  readonly version: number
  readonly json: Record<string, unknown>
  readonly hex: string
}

const layouts = new Map<string, { fields: Fields; flexible: number | null }>()
for (const { name, request, response, flexible } of messages) {
  layouts.set(`${name}Request`, { fields: request, flexible })
  layouts.set(`${name}Response`, { fields: response, flexible })
}
for (const data of Object.values(stored).flat()) layouts.set(data.name, data)

const vectors = readdirSync(folder)
  .filter((file) => file.endsWith('.jsonl.gz'))
  .flatMap((file) =>
    gunzipSync(readFileSync(join(folder, file)))
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Vector),
  )

/** Our value in the JSON form that Kafka's JsonConverter classes print. */
function toJson(fields: Fields, version: number, value: Record<string, unknown>): unknown {
  const json: Record<string, unknown> = {}
  for (const [name, type] of Object.entries(fields)) {
    const { since, until } = type.traits
    if (version < since || version > until) continue
    json[name] = fieldToJson(type, version, value[name])
  }
  return json
}

function fieldToJson(type: AnyType, version: number, value: any): unknown {
  const { kind, element, fields } = type.traits
  if (value === null) return null
  if (kind === 'array') return value.map((one: unknown) => fieldToJson(element!, version, one))
  if (kind === 'struct') return toJson(fields!, version, value)
  if (kind === 'bytes' || kind === 'records') return value.toString('base64')
  return value
}

/** The converters leave out tagged fields that have their default. */
function withoutMissing(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.map((one, i) => withoutMissing(one, expected[i]))
  }
  if (actual === null || typeof actual !== 'object') return actual
  if (expected === null || typeof expected !== 'object') return actual
  return Object.fromEntries(
    Object.entries(actual)
      .filter(([name]) => name in expected)
      .map(([name, one]) => [name, withoutMissing(one, (expected as any)[name])]),
  )
}

describe('golden messages of Apache Kafka', () => {
  const names = [...new Set(vectors.map(({ message }) => message))]
  test.each(names)('%s reads and writes byte for byte', (name) => {
    const layout = layouts.get(name)
    expect(layout, `no schema for ${name}`).toBeDefined()
    for (const { version, json, hex } of vectors.filter(({ message }) => message === name)) {
      const codec = codecOf(layout!.fields, version, layout!.flexible)
      const bytes = Buffer.from(hex, 'hex')
      const reader = new Reader(bytes)
      const value = decode(codec, reader) as Record<string, unknown>
      expect(reader.remaining, `${name} v${version} left bytes`).toBe(0)
      const ours = toJson(layout!.fields, version, value)
      expect(withoutMissing(ours, json), `${name} v${version}`).toEqual(json)
      const writer = new Writer()
      codec.write(writer, value)
      expect(writer.toBuffer().toString('hex'), `${name} v${version}`).toBe(hex)
    }
  })
})
