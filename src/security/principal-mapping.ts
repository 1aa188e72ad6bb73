/**
 * Turns the distinguished name of a client's certificate into a name; null if the rule does not
 * apply.
 */
type Rule = (distinguishedName: string) => string | null

const rulePattern = String.raw`(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?).*?|.*?`
const splitter = new RegExp(String.raw`\s*(${rulePattern})\s*(?:,\s*|$)`, 'g')
const beginning = new RegExp(`^(?:${rulePattern})`)

/**
 * Reads `ssl.principal.mapping.rules` (Kafka's `SslPrincipalMapper`, KIP-371).
 *
 * @returns a function from a distinguished name (RFC 2253) to the name of the first rule that
 * applies; null if none does, and the connection is to be closed.
 * @throws Error with Kafka's text if a rule cannot be read.
 */
export function parsePrincipalMapping(rules: string): Rule {
  const parsed = [...rules.trim().matchAll(splitter)].flatMap(([, rule]) => parseRule(rule ?? ''))
  return (name) => {
    for (const rule of parsed) {
      const mapped = rule(name)
      if (mapped !== null) return mapped
    }
    return null
  }
}

/** Empty rules are ignored. */
function parseRule(rule: string): Rule[] {
  const [matched = '', isDefault, pattern, replacement = '', letters] = beginning.exec(rule) ?? []
  if (matched.length < rule.length) {
    const rest = rule.slice(matched.length)
    throw new Error(`Invalid rule: \`${rule}\`, unmatched substring: \`${rest}\``)
  }
  if (isDefault !== undefined) return [(name) => name]
  if (pattern === undefined) return []
  const matches = new RegExp(`^(?:${pattern})$`)
  const all = new RegExp(pattern, 'g')
  return [
    (name) => {
      const groups = matches.exec(name)
      if (groups === null) return null
      const mapped = name.replace(all, (...found: unknown[]) =>
        expand(replacement, found.slice(0, groups.length) as (string | undefined)[]),
      )
      if (letters === 'L') return mapped.toLowerCase()
      return letters === 'U' ? mapped.toUpperCase() : mapped
    },
  ]
}

/**
 * Java's `Matcher.appendReplacement`: `$n` is a group, as long as there are so many; `\` escapes.
 */
function expand(replacement: string, groups: readonly (string | undefined)[]): string {
  return replacement.replace(/\\([\s\S])|\$(\d+)/g, (all, escaped?: string, digits?: string) => {
    if (escaped !== undefined) return escaped
    for (let length = digits!.length; length > 0; length--) {
      const number = Number(digits!.slice(0, length))
      if (number < groups.length) return (groups[number] ?? '') + digits!.slice(length)
    }
    return all
  })
}
