/** A malformed line of a properties file. */
export class BadProperties extends Error {
  override readonly name = 'BadProperties'
}

/**
 * Parses a Java properties file: `key=value`, `key:value` or `key value`, comments with `#` and
 * `!`, a backslash at the end joins lines, `\t \n \r \f \uXXXX` and escaped separators in keys. The
 * last of several lines with the same key wins.
 */
export function parseProperties(text: string): Map<string, string> {
  const values = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const { key, rest } = splitKey(line)
    values.set(unescapeText(key), unescapeText(rest))
  }
  return values
}

function logicalLines(text: string): string[] {
  const lines: string[] = []
  let joined: string | null = null
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line: string = joined === null ? raw.trimStart() : joined + raw.trimStart()
    if (joined === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue
    const slashes = /\\*$/.exec(line)![0].length
    if (slashes % 2 === 1) joined = line.slice(0, -1)
    else {
      lines.push(line)
      joined = null
    }
  }
  if (joined !== null) lines.push(joined)
  return lines
}

function splitKey(line: string): { key: string; rest: string } {
  let end = 0
  while (end < line.length && !/[=:\s]/.test(line[end]!)) end += line[end] === '\\' ? 2 : 1
  const separator = /^\s*[=:]?\s*/.exec(line.slice(end))![0]
  return { key: line.slice(0, end), rest: line.slice(end + separator.length) }
}

function unescapeText(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (code === 'u') throw new BadProperties(`malformed \\uxxxx encoding in "${text}"`)
    return { t: '\t', n: '\n', r: '\r', f: '\f' }[code] ?? code
  })
}
