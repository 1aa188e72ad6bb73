/**
 * Formats a number as Java's `Double.toString`: `0.5`, `10.0`, `1.0E7`, `1.7976931348623157E308`.
 */
export function javaDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size === 0 || (size >= 1e-3 && size < 1e7)) return withFraction(plain(value))
  const [digits, exponent] = value.toExponential().split('e')
  return `${withFraction(digits!)}E${Number(exponent)}`
}

const plain = (value: number) => (Object.is(value, -0) ? '-0' : String(value))

const withFraction = (digits: string) => (digits.includes('.') ? digits : `${digits}.0`)
