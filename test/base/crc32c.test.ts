import { expect, test } from 'vitest'
import { crc32c, crc32cInJavaScript } from '../../src/base/crc32c.ts'

test('agrees with the check value of the CRC catalogue', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

test('the fallback in JavaScript agrees with it on every short length', () => {
  const fallback = crc32cInJavaScript()
  const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * 37) & 0xff))
  for (let length = 0; length <= bytes.length; length++) {
    expect(fallback(bytes.subarray(0, length))).toBe(crc32c(bytes.subarray(0, length)))
  }
})
