import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { crc32c, crc32cInJavaScript } from '../../src/base/crc32c.ts'
import { loadNativeCrc32c } from '../../src/base/crc32c-native.ts'
import { newSeeds, seeded } from '../seeded.ts'

const fallback = crc32cInJavaScript()
const bytes = Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * i * 37 + (i >> 3)) & 0xff))

test('agrees with the check value of the CRC catalogue', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

test('the fallback in JavaScript agrees with it on every short length', () => {
  for (let length = 0; length <= 300; length++) {
    expect(fallback(bytes.subarray(0, length))).toBe(crc32c(bytes.subarray(0, length)))
  }
})

test('the library of our own takes over when four megabytes have passed', async () => {
  const native = vi.fn(fallback)
  vi.resetModules()
  vi.doMock('../../src/base/crc32c-native.ts', () => ({ loadNativeCrc32c: async () => native }))
  const fresh = await import('../../src/base/crc32c.ts')
  const megabyte = Buffer.alloc(1024 * 1024, 'odradek')
  for (let count = 0; count < 4; count++) expect(fresh.crc32c(megabyte)).toBe(fallback(megabyte))
  expect(native).not.toHaveBeenCalled()
  await setImmediate()
  expect(fresh.crc32c(megabyte)).toBe(fallback(megabyte))
  expect(native).toHaveBeenCalledOnce()
})

/** Built only with a C compiler; CI has one and requires the library. */
const library = join(import.meta.dirname, `../../dist/native/crc32c-linux-${process.arch}.so`)
const native = await loadNativeCrc32c()

test.runIf(process.env.ODRADEK_REQUIRE_NATIVE === '1')('the library of our own is built', () => {
  expect(existsSync(library)).toBe(true)
})

describe.runIf(native !== null)('the library of our own', () => {
  test('is of the source that lies beside it', () => {
    const source = readFileSync(join(import.meta.dirname, '../../native/crc32c.c'))
    const hash = createHash('sha256').update(source).digest('hex')
    expect(readFileSync(library).includes(hash)).toBe(true)
  })

  test.each(newSeeds())('agrees with the fallback on any bytes (ODRADEK_SEED=%d)', (seed) => {
    const random = seeded(seed)
    const below = (limit: number) => Math.floor(random() * limit)
    for (let i = 0; i < 3000; i++) {
      const length = below([10, 300, 4_000, 40_000][i % 4]!)
      const start = below(16)
      const part = Buffer.alloc(length + start)
      for (let at = 0; at < part.length; at += 97) part[at] = below(256)
      const sliced = part.subarray(start)
      expect(native!(sliced), `${length} bytes from ${start}`).toBe(fallback(sliced))
    }
  })

  test('agrees with the fallback wherever bytes begin and however many there are', () => {
    const block = 3 * 1024
    const edges = [0, 1, 7, 8, 9, 256, 512, 768, 1024].concat(
      [1, 2, 3, 4, 8, 12].map((count) => count * block),
    )
    for (const start of [0, 1, 3, 8]) {
      for (const edge of edges) {
        for (let length = Math.max(0, edge - 9); length <= edge + 9; length++) {
          const part = bytes.subarray(start, start + length)
          expect(native!(part), `${length} bytes from ${start}`).toBe(fallback(part))
        }
      }
    }
  })
})
