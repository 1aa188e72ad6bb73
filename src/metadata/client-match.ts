import { RE2JS, RE2JSSyntaxException } from 're2js'
import { costOf } from '../base/expressions.ts'
import { ApiError } from '../protocol/errors.ts'

/** Client properties that a client metrics subscription can match (`ClientMetricsConfigs`). */
export const clientProperties = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const
export type ClientProperty = (typeof clientProperties)[number]

/** For each property the expression its whole value must match; empty matches every client. */
export type ClientMatch = ReadonlyMap<ClientProperty, RE2JS>

/**
 * Parses the `match` of a subscription: `PROPERTY=EXPRESSION`, separated by commas. Kafka uses
 * Java's regular expressions, which a client name can keep busy for hours. RE2's are the same
 * except for those; syntax that RE2 lacks or reads differently is refused.
 * @throws ApiError INVALID_CONFIG with Kafka's messages.
 */
export function parseClientMatch(text: string): ClientMatch {
  const found = new Map<ClientProperty, RE2JS>()
  const trimmed = text.trim()
  for (const part of trimmed === '' ? [] : trimmed.split(/\s*,\s*/)) {
    const [name = '', expression = '', ...more] = part.replace(/=+$/, '').split('=')
    const property = clientProperties.find((one) => one === name.trim())
    if (property === undefined || expression === '' || more.length > 0) throw illegal(part)
    found.set(property, compile(expression.trim(), part))
  }
  return found
}

/** Maximum number of steps of an expression, which is parsed and matched on the loop. */
const costMax = 20_000

/** Syntax that Java and RE2 read differently: uncounted braces, nested classes, Python's names. */
const ambiguous = /(?<!\\)(?:\\\\)*(?:\{(?!\d+(?:,\d*)?\})|\[[^\]]*(?:\[|&&)|\(\?P)/

function compile(expression: string, part: string): RE2JS {
  const braces = expression.replace(/\\[pP]\{\^?\w+\}|\\x\{[0-9A-Fa-f]+\}/g, '')
  if (ambiguous.test(braces) || costOf(expression) > costMax) throw illegal(part)
  try {
    return RE2JS.compile(expression)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw illegal(part)
    throw error
  }
}

const illegal = (part: string) =>
  new ApiError('INVALID_CONFIG', `Illegal client matching pattern: ${part}`)
