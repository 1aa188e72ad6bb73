import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { judge, layouts, readVectors } from './vectors.ts'

/** Bytes and values written by Kafka's generated classes: see the README beside them. */
const vectors = readVectors(join(import.meta.dirname, '..', 'golden', 'messages', 'all.jsonl.gz'))

describe('golden messages of Apache Kafka', () => {
  test.each([...layouts.keys()])('%s reads and writes byte for byte', (name) => {
    const { versions } = layouts.get(name)!
    const own = vectors.filter(({ message }) => message === name)
    const theirs = own.map(({ version }) => version)
    expect([Math.min(...theirs), Math.max(...theirs)]).toEqual(versions)
    for (let version = versions[0]; version <= versions[1]; version++) {
      expect(own.filter((one) => one.version === version).length, `v${version}`).toBeGreaterThan(0)
    }
    for (const vector of own) {
      const verdict = judge(vector)
      const { read, readExpected, bytesLeft, rewritten, written } = verdict
      const where = `${name} v${vector.version} ${vector.hex.slice(0, 40)}`
      expect(bytesLeft, where).toBe(0)
      expect(read, where).toEqual(readExpected)
      expect(rewritten, where).toBe(vector.hex)
      expect(written, where).toBe(vector.hex)
      expect(verdict.readInSlices, where).toEqual(readExpected)
      expect(verdict.writtenInSlices, where).toBe(vector.hex)
    }
  })

  test('no message of Kafka is without a schema', () => {
    const strangers = vectors.filter(({ message }) => !layouts.has(message))
    expect(strangers.map(({ message }) => message)).toEqual([])
  })
})
