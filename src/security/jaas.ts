/** A login module of a JAAS configuration with its options. */
export interface LoginModule {
  readonly name: string
  readonly options: ReadonlyMap<string, string>
}

type Token =
  | { readonly kind: 'word' | 'string'; readonly text: string }
  | { readonly kind: 'number' }
  | { readonly kind: 'character'; readonly text: string }

const controlFlags = new Set(['REQUIRED', 'REQUISITE', 'SUFFICIENT', 'OPTIONAL'])

/**
 * Reads the only login module of a `sasl.jaas.config` (Kafka's `JaasConfig`, `JaasContext`).
 *
 * @throws Error with Kafka's text.
 */
export function parseJaas(config: string): LoginModule {
  const tokens = [...tokenize(config)]
  const modules: LoginModule[] = []
  let at = 0
  while (at < tokens.length) {
    // The first token is the module's name, whatever it is.
    const end = tokens.findIndex((one, i) => i > at && isCharacter(one, ';'))
    modules.push(parseModule(tokens.slice(at, end === -1 ? undefined : end), end !== -1))
    at = end === -1 ? tokens.length : end + 1
  }
  const [only] = modules
  if (only === undefined) throw new Error('Login module not specified in JAAS config')
  if (modules.length > 1) {
    throw new Error(
      `JAAS config property contains ${modules.length} login modules, should be 1 module`,
    )
  }
  return only
}

function parseModule(tokens: readonly Token[], isTerminated: boolean): LoginModule {
  const [name, flag, ...rest] = tokens
  if (flag === undefined && !isTerminated) {
    throw new Error('Login module control flag not specified in JAAS config')
  }
  const given = textOf(flag)
  if (given === null) {
    throw new Error('Login module control flag is not available in the JAAS config')
  }
  if (!controlFlags.has(given.toUpperCase())) {
    throw new Error(`Invalid login module control flag '${given}' in JAAS config`)
  }
  const options = new Map<string, string>()
  for (let i = 0; i < rest.length; i += 3) {
    const key = textOf(rest[i])
    const value = isCharacter(rest[i + 1], '=') ? textOf(rest[i + 2]) : null
    if (value === null) throw new Error(`Value not specified for key '${key}' in JAAS config`)
    options.set(String(key), value)
  }
  if (!isTerminated) throw new Error('JAAS config entry not terminated by semi-colon')
  return { name: textOf(name) ?? '', options }
}

const isCharacter = (token: Token | undefined, text: string) =>
  token?.kind === 'character' && token.text === text

const textOf = (token: Token | undefined) =>
  token?.kind === 'word' || token?.kind === 'string' ? token.text : null

/** Splits as Java's `StreamTokenizer` does with Kafka's settings. */
const pattern = new RegExp(
  [
    /(?<space>[\0- ]+)/,
    /(?<comment>\/\*[\s\S]*?(?:\*\/|$)|\/[^\r\n]*)/,
    // A word may begin with neither a digit nor `.` nor `-`: that would be a number.
    /(?<word>[A-Za-z_$\u00a0-\uffff][\w.$\u00a0-\uffff-]*)/,
    /(?<number>-?(?:\d[\d.]*|\.\d[\d.]*))/,
    /"(?<double>(?:\\[^\r\n]|[^"\\\r\n])*)"?/,
    /'(?<single>(?:\\[^\r\n]|[^'\\\r\n])*)'?/,
    /(?<character>[\s\S])/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
)

function* tokenize(text: string): Iterable<Token> {
  for (const { groups = {} } of text.matchAll(pattern)) {
    const { word, number, double, single, character } = groups
    const quoted = double ?? single
    if (word !== undefined) yield { kind: 'word', text: word }
    else if (number !== undefined) yield { kind: 'number' }
    else if (quoted !== undefined) yield { kind: 'string', text: unescaped(quoted) }
    else if (character !== undefined) yield { kind: 'character', text: character }
  }
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Octal numbers reach up to `\377`. */
const unescaped = (text: string) =>
  text.replace(/\\([0-3][0-7]{0,2}|[4-7][0-7]?|[\s\S])/g, (_, escaped: string) =>
    /^[0-7]/.test(escaped)
      ? String.fromCharCode(Number.parseInt(escaped, 8))
      : (escapes[escaped] ?? escaped),
  )
