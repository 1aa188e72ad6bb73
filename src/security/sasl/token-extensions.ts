/** Yields the options with a prefix, without it. */
export function* withPrefix(options: ReadonlyMap<string, string>, prefix: string) {
  for (const [key, value] of options) {
    if (key.startsWith(prefix)) yield [key.slice(prefix.length), value] as const
  }
}

/**
 * Returns the extensions of a login module's options (KIP-342).
 * @throws Error for one that the first message of a client cannot carry.
 */
export function extensionsOf(
  options: ReadonlyMap<string, string>,
  prefix: string,
): ReadonlyMap<string, string> {
  const extensions = new Map(withPrefix(options, prefix))
  for (const [key, value] of extensions) {
    if (key === 'auth') throw new Error('Extension name auth is invalid')
    if (!/^[A-Za-z]+$/.test(key)) throw new Error(`Extension name ${key} is invalid`)
    if (!/^[\x21-\x7e \t\r\n]+$/.test(value)) {
      throw new Error(`Extension value (${value}) for extension ${key} is invalid`)
    }
  }
  return extensions
}
