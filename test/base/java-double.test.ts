import { expect, test } from 'vitest'
import { javaDouble } from '../../src/base/java-double.ts'

// Expected texts are those of `Double.toString` in Java 17.
test.each([
  [0, '0.0'],
  [-0, '-0.0'],
  [0.5, '0.5'],
  [10, '10.0'],
  [0.001, '0.001'],
  [0.0001, '1.0E-4'],
  [9999999, '9999999.0'],
  [10_000_000, '1.0E7'],
  [12345678.9, '1.23456789E7'],
  [-1e21, '-1.0E21'],
  [Number.MAX_VALUE, '1.7976931348623157E308'],
  [Number.POSITIVE_INFINITY, 'Infinity'],
])('%d is %s', (value, text) => {
  expect(javaDouble(value)).toBe(text)
})
