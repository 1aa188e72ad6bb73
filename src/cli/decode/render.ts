import type { Json } from './describe.ts'
import { toJson } from './describe.ts'
import type { Frame } from './session.ts'

/** Maximum number of bytes shown of a frame that could not be read. */
const unreadBytesShown = 256

function hexOf(bytes: Buffer): string {
  const shown = bytes.subarray(0, unreadBytesShown).toString('hex')
  return bytes.length > unreadBytesShown ? `${shown}... (${bytes.length} bytes)` : shown
}

/** Maximum time value in ms (ECMA-262, "Time Values"); a capture may contain more. */
const timeMsMax = 8.64e15

function timeOf(timeMs: number | null): string | null {
  return timeMs === null || !(Math.abs(timeMs) <= timeMsMax) ? null : new Date(timeMs).toISOString()
}

/** Returns one JSON object per frame. */
export async function frameToJson(frame: Frame): Promise<Json> {
  const { from, to, kind, api, version, correlationId, clientId } = frame
  const time = timeOf(frame.timeMs)
  const start = {
    ...(time === null ? {} : { time }),
    ...(from === null ? {} : { from, to }),
    kind,
  }
  const problem = frame.problem === null ? {} : { problem: frame.problem, hex: hexOf(frame.bytes) }
  if (api === null || version === null) return { ...start, size: frame.bytes.length, ...problem }
  return {
    ...start,
    api: api.name,
    key: api.key,
    version,
    correlationId,
    ...(kind === 'request' ? { clientId } : {}),
    size: frame.bytes.length,
    ...(frame.body === null ? {} : { body: await toJson(frame.fields!, version, frame.body) }),
    ...problem,
  }
}

/** Returns one line that describes the frame, then its fields, indented as in YAML. */
export async function frameToText(frame: Frame): Promise<string> {
  const { from, to, kind, api, version, correlationId, clientId, problem } = frame
  const words: string[] = []
  const time = timeOf(frame.timeMs)
  if (time !== null) words.push(time.slice(11, 23))
  if (from !== null) words.push(`${from} > ${to}`)
  words.push(api === null ? `${frame.bytes.length} bytes` : `${api.name} v${version} ${kind}`)
  if (correlationId !== null) words.push(`#${correlationId}`)
  if (kind === 'request' && clientId !== null) words.push(`client ${JSON.stringify(clientId)}`)
  if (problem !== null) words.push(`: ${problem}`)
  const lines = [words.join(' ')]
  if (frame.body !== null && frame.fields !== null && version !== null) {
    lines.push(...fieldLines((await toJson(frame.fields, version, frame.body)) as never, '  '))
  } else lines.push(`  ${hexOf(frame.bytes)}`)
  return lines.join('\n')
}

type JsonObject = { readonly [name: string]: Json }

/** Returns fields as `name: value`; nested fields are indented. */
export function fieldLines(fields: JsonObject, indent: string): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const flat = flatText(value)
    if (flat !== null) return [`${indent}${name}: ${flat}`]
    return [`${indent}${name}:`, ...innerLines(value, `${indent}  `)]
  })
}

function innerLines(value: Json, indent: string): string[] {
  if (!Array.isArray(value)) return fieldLines(value as JsonObject, indent)
  return (value as readonly Json[]).flatMap((one) => {
    const flat = flatText(one)
    if (flat !== null) return [`${indent}- ${flat}`]
    const [first = '', ...rest] = innerLines(one, `${indent}  `)
    return [`${indent}- ${first.trimStart()}`, ...rest]
  })
}

/** Maximum length, in characters, of a struct of plain fields on one line. */
const flatTextMax = 90

/** Returns a value on one line, or null if it does not fit. */
function flatText(value: Json): string | null {
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) {
    const all = value.map((one: Json) => (typeof one === 'object' ? null : JSON.stringify(one)))
    return all.includes(null) ? null : `[${all.join(', ')}]`
  }
  const { hex, ...others } = value as JsonObject
  if (typeof hex === 'string' && Object.keys(others).length === 0) return `0x${hex}`
  const fields = Object.entries(value).map(([name, one]: [string, Json]) => {
    const flat = one !== null && typeof one === 'object' ? null : JSON.stringify(one)
    return flat === null ? null : `${name}: ${flat}`
  })
  if (fields.includes(null)) return null
  const text = fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
  return text.length <= flatTextMax ? text : null
}
