import { RE2JS, RE2JSSyntaxException } from 're2js'
import { Refusal } from '../protocol/errors.ts'

/** What a subscription to client metrics can choose clients by (`ClientMetricsConfigs`). */
export const clientProperties = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const
export type ClientProperty = (typeof clientProperties)[number]

/** The expression that a property's whole value must fit; none for every client. */
export type ClientMatch = ReadonlyMap<ClientProperty, RE2JS>

/**
 * Reads the `match` of a subscription: `PROPERTY=EXPRESSION`, separated by commas. Kafka has Java's
 * expressions, which a client's name can keep busy for hours; these are RE2's, which are the same but
 * for what would take that long, and what only one of them reads otherwise is refused.
 *
 * @throws Refusal INVALID_CONFIG with Kafka's words.
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

/** Read in different ways by the two: braces that count nothing, classes within classes, Python's names. */
const ambiguous = /(?<!\\)(?:\\\\)*(?:\{(?!\d+(?:,\d*)?\})|\[[^\]]*(?:\[|&&)|\(\?P)/

function compile(expression: string, part: string): RE2JS {
  const braces = expression.replace(/\\[pP]\{\^?\w+\}|\\x\{[0-9A-Fa-f]+\}/g, '')
  if (ambiguous.test(braces)) throw illegal(part)
  try {
    return RE2JS.compile(expression)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) throw illegal(part)
    throw error
  }
}

const illegal = (part: string) =>
  new Refusal('INVALID_CONFIG', `Illegal client matching pattern: ${part}`)
