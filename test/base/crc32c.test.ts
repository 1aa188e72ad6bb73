import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { crc32c, crc32cInJavaScript } from '../../src/base/crc32c.ts'
import { loadNativeCrc32c } from '../../src/base/crc32c-native.ts'

const folder = join(import.meta.dirname, '../../native')
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

describe.runIf(process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch))(
  'the library of our own',
  () => {
    test('agrees with the fallback wherever bytes begin and however many there are', async () => {
      const native = (await loadNativeCrc32c())!
      expect(native).not.toBeNull()
      const block = 3 * 1024
      const edges = [
        0,
        1,
        7,
        8,
        9,
        256,
        512,
        768,
        1024,
        block,
        2 * block,
        3 * block,
        4 * block,
        8 * block,
        12 * block,
      ]
      for (const start of [0, 1, 3, 8]) {
        for (const edge of edges) {
          for (let length = Math.max(0, edge - 9); length <= edge + 9; length++) {
            const part = bytes.subarray(start, start + length)
            expect(native(part), `${length} bytes from ${start}`).toBe(fallback(part))
          }
        }
      }
    })
  },
)

test('each compiled library is of the source that lies beside it', () => {
  const source = createHash('sha256')
    .update(readFileSync(join(folder, 'crc32c.c')))
    .digest('hex')
  const libraries = readdirSync(folder).filter((name) => name.endsWith('.so'))
  expect(libraries).toEqual(['crc32c-linux-arm64.so', 'crc32c-linux-x64.so'])
  for (const name of libraries) expect(readFileSync(join(folder, name)).includes(source)).toBe(true)
})
