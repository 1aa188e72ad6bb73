/** The first bytes of protocols that are sent to a wrong port. */
const beginnings: readonly (readonly [string, string])[] = [
  ['\x16\x03', 'TLS, on a listener without it'],
  ...['GET ', 'POST', 'HEAD', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI '].map(
    (method) => [method, 'HTTP'] as const,
  ),
  ['PROX', 'the PROXY protocol'],
  ['\r\n\r\n', 'the PROXY protocol'],
  ['SSH-', 'SSH'],
]

/**
 * Names the protocol that a client speaks instead of Kafka's, by its first four bytes; null if it
 * is not known.
 */
export function foreignProtocol(bytes: Buffer): string | null {
  const text = bytes.toString('latin1')
  return beginnings.find(([beginning]) => text.startsWith(beginning))?.[1] ?? null
}
