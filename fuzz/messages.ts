import { join } from 'node:path'
import { type Codec, codecOf, decode, requestCodec, responseCodec } from '../src/protocol/codec.ts'
import { peekRequest, readRequestHeader, requestHeaderVersion } from '../src/protocol/frame.ts'
import { FrameCutter } from '../src/protocol/frame-cutter.ts'
import { messages } from '../src/protocol/messages/index.ts'
import { Reader } from '../src/protocol/reader.ts'
import { Malformed } from '../src/protocol/schema.ts'
import { stored } from '../src/protocol/stored/index.ts'
import { Writer } from '../src/protocol/writer.ts'
import { projectRoot } from '../test/compat/project-root.ts'
import { readVectors, type Vector } from '../test/protocol/vectors.ts'
import { claim, type Target } from './target.ts'

const golden = join(projectRoot, 'test', 'golden', 'messages', 'all.jsonl.gz')
let vectors: Vector[] | null = null
const allVectors = () => {
  vectors ??= readVectors(process.env.ODRADEK_VECTORS ?? golden)
  return vectors
}

/** Returns null if the decoder properly refused the input (`Malformed`). */
export function orRefused<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

function written(codec: Codec<any>, value: object): Buffer {
  const writer = new Writer()
  codec.write(writer, value as never)
  return writer.toBuffer()
}

/** Checks that a decoded value is encoded to bytes that are decoded and encoded identically. */
function readTwice(codec: Codec<any>, reader: Reader): void {
  const value = orRefused(() => decode(codec, reader))
  // Text that is not valid UTF-8 is longer when encoded again.
  if (value === null || JSON.stringify(value, withBigInts).includes('\ufffd')) return
  const once = written(codec, value)
  const again = written(codec, decode(codec, new Reader(once)))
  claim(once.equals(again), `written as ${once.toString('hex')}, then ${again.toString('hex')}`)
}

const withBigInts = (_: string, value: unknown) =>
  typeof value === 'bigint' ? value.toString() : value

const byKey = new Map(messages.map((api) => [api.key, api]))
const byName = new Map(messages.map((api) => [api.name, api]))

function vectorsOf(suffix: 'Request' | 'Response') {
  return allVectors().flatMap(({ message, version, hex }) => {
    const api = byName.get(message.replace(new RegExp(`${suffix}$`), ''))
    if (!message.endsWith(suffix) || api === undefined) return []
    return [{ api, version, body: Buffer.from(hex, 'hex') }]
  })
}

/** A whole request, header and body, as the frame cutter returns it. */
export const requests: Target = {
  name: 'request',
  seeds: () =>
    vectorsOf('Request').map(({ api, version, body }) => {
      const header = Buffer.from('0000000000000007000561646d696e', 'hex')
      header.writeInt16BE(api.key, 0)
      header.writeInt16BE(version, 2)
      const tags = requestHeaderVersion(api, version) === 2 ? [Buffer.alloc(1)] : []
      return Buffer.concat([header, ...tags, body])
    }),
  run: (input) => {
    const peeked = orRefused(() => peekRequest(input))
    const api = byKey.get(peeked?.apiKey ?? -1)
    if (peeked === null || api === undefined) return
    const { apiVersion } = peeked
    if (apiVersion < api.versions[0] || apiVersion > api.versions[1]) return
    const reader = new Reader(input)
    const header = orRefused(() => readRequestHeader(reader, requestHeaderVersion(api, apiVersion)))
    if (header !== null) readTwice(requestCodec(api, apiVersion), reader)
  },
}

/** API key and version, two bytes each, then the body of a response. */
export const responses: Target = {
  name: 'response',
  seeds: () =>
    vectorsOf('Response').map(({ api, version, body }) => {
      const head = Buffer.alloc(4)
      head.writeInt16BE(api.key, 0)
      head.writeInt16BE(version, 2)
      return Buffer.concat([head, body])
    }),
  run: (input) => {
    if (input.length < 4) return
    const api = byKey.get(input.readInt16BE(0))
    const version = input.readInt16BE(2)
    if (api === undefined || version < api.versions[0] || version > api.versions[1]) return
    readTwice(responseCodec(api, version), new Reader(input.subarray(4)))
  },
}

const records = Object.values(stored).flat()

/** The number of a record type, its version, then its content. */
export const storedRecords: Target = {
  name: 'stored',
  seeds: () =>
    allVectors().flatMap(({ message, version, hex }) => {
      const number = records.findIndex(({ name }) => name === message)
      return number < 0 ? [] : [Buffer.from([number, version, ...Buffer.from(hex, 'hex')])]
    }),
  run: (input) => {
    const [number = 255, version = 255] = input
    const of = records[number]
    if (of === undefined || version < of.versions[0] || version > of.versions[1]) return
    readTwice(codecOf(of.fields, version, of.flexible), new Reader(input.subarray(2)))
  },
}

const frameBytesMax = 4096

/** Three bytes that define how the rest is split into chunks, then frames. */
export const frames: Target = {
  name: 'frame',
  seeds: () => [
    Buffer.from('0507020000000300010200000000000000056162636465', 'hex'),
    Buffer.concat([
      Buffer.from('01ff400000', 'hex'),
      Buffer.from('0800', 'hex'),
      Buffer.alloc(2048, 7),
    ]),
    Buffer.from('010101ffffffff00', 'hex'),
    Buffer.from('0101017fffffff00', 'hex'),
  ],
  run: (input) => {
    const steps = [...input.subarray(0, 3)].map((step) => step + 1)
    const stream = input.subarray(3)
    const cut = (pieces: readonly Buffer[]) => {
      const cutter = new FrameCutter(frameBytesMax)
      const found: string[] = []
      const end = orRefused(() => {
        for (const piece of pieces) {
          cutter.push(piece, (frame) => found.push(frame.toString('hex')))
          claim(cutter.heldBytes <= frameBytesMax + 4, `${cutter.heldBytes} bytes are held`)
        }
        return 'open'
      })
      return [...found, end].join(' ')
    }
    const pieces: Buffer[] = []
    for (let at = 0, i = 0; at < stream.length && steps.length > 0; i++) {
      const step = steps[i % steps.length]!
      pieces.push(stream.subarray(at, at + step))
      at += step
    }
    claim(cut([stream]) === cut(pieces), 'frames depend on how their bytes arrive')
  },
}
