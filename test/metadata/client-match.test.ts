import { describe, expect, test } from 'vitest'
import { parseClientMatch } from '../../src/metadata/client-match.ts'

const fits = (expression: string, value: string) =>
  parseClientMatch(`client_id=${expression}`).get('client_id')?.matches(value)

/** Expected results are those of `matches` of Java's Pattern. */
describe('expressions that choose clients', () => {
  test('must fit the whole value', () => {
    expect(fits('a', 'a')).toBe(true)
    expect(fits('a', 'ab')).toBe(false)
    expect(fits('a.*', 'ab')).toBe(true)
    expect(fits('a|b', 'b')).toBe(true)
  })

  test('are read as Java reads them', () => {
    expect(fits('(?i)abc', 'ABC')).toBe(true)
    expect(fits('\\Qa.b\\E', 'a.b')).toBe(true)
    expect(fits('\\Qa.b\\E', 'axb')).toBe(false)
    expect(fits('\\p{L}+', 'éa')).toBe(true)
    expect(fits('a{2}', 'aa')).toBe(true)
    expect(fits('\\x{41}', 'A')).toBe(true)
    expect(fits('(?<name>a)', 'a')).toBe(true)
    expect(fits('\\{a\\}', '{a}')).toBe(true)
    expect(fits('[]a]', ']')).toBe(true)
  })

  test.each(['(', '[a', '*a', 'a**', 'a{2', '{', '[]', '[z-a]', '(?P<name>a)', '\\', '\\y'])(
    '%s is refused by both',
    (expression) => {
      expect(() => fits(expression, 'a')).toThrow(
        `Illegal client matching pattern: client_id=${expression}`,
      )
    },
  )

  test.each(['(?:(?=a))', '(a)\\1', 'a++', '(?>a)', '[a-z&&[^b]]', '[a[b]]'])(
    '%s, which Java takes and RE2 does not or otherwise, is refused',
    (expression) => {
      expect(() => fits(expression, 'a')).toThrow('Illegal client matching pattern')
    },
  )

  test('a value cannot keep the broker busy', () => {
    expect(fits('(a+)+b', 'a'.repeat(10_000))).toBe(false)
  }, 2_000)
})
