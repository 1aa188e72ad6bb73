import { describe, expect, test } from 'vitest'
import { decode, requestCodec } from '../../src/protocol/codec.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { elementsMax, Reader } from '../../src/protocol/reader.ts'
import { Malformed } from '../../src/protocol/schema.ts'

describe('a reader refuses', () => {
  test('arrays that would take many times their bytes in memory', () => {
    const topics = elementsMax + 1
    const frame = Buffer.alloc(4 + 2 * topics + 1)
    frame.writeInt32BE(topics)
    const codec = requestCodec(metadata, 1)
    const before = process.memoryUsage().heapUsed
    expect(() => decode(codec, new Reader(frame))).toThrow(Malformed)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(16 * 1024 * 1024)
  })

  test('a tag that only another version has, as Kafka does', () => {
    const start = `${'00'.repeat(25)}010101`
    const read = (tags: string) =>
      decode(requestCodec(fetch, 12), new Reader(Buffer.from(start + tags, 'hex')))
    expect(read('00')).toMatchObject({ topics: [], clusterId: null })
    expect(read('010900')).toMatchObject({ topics: [] })
    expect(() => read('010100')).toThrow('Tag 1 is not valid for version 12')
  })

  // Kafka 4.4.0: "string field name had invalid length 32768".
  test('strings of more than 32,767 bytes, as Kafka does', () => {
    const read = (bytes: number) => {
      const length = [((bytes + 1) & 0x7f) | 0x80, (((bytes + 1) >> 7) & 0x7f) | 0x80]
      const head = Buffer.from([...length, (bytes + 1) >> 14])
      return new Reader(Buffer.concat([head, Buffer.alloc(bytes, 'a')])).compactString()
    }
    expect(read(32_767)).toHaveLength(32_767)
    expect(() => read(32_768)).toThrow(Malformed)
  })
})
