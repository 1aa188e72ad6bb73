import { constants } from 'node:crypto'
import { getCiphers } from 'node:tls'

/**
 * An option of `node:tls`: a connection has one handshake, which costs the server more than the
 * client (Kafka's `SslTransportLayer`).
 */
export const noRenegotiation = constants.SSL_OP_NO_RENEGOTIATION

/**
 * Suites without `ssl.cipher.suites`: those that Java enables by default, in its order. OpenSSL's
 * own default has others, such as ARIA and CCM.
 */
export const defaultCipherSuites: readonly string[] = [
  ...['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...[
    ...['AES_256_GCM_SHA384', 'AES_128_GCM_SHA256', 'CHACHA20_POLY1305_SHA256'],
    ...['AES_256_CBC_SHA384', 'AES_128_CBC_SHA256', 'AES_256_CBC_SHA', 'AES_128_CBC_SHA'],
  ].flatMap((cipher) => [`TLS_ECDHE_ECDSA_WITH_${cipher}`, `TLS_ECDHE_RSA_WITH_${cipher}`]),
  ...[
    ...['AES_256_GCM_SHA384', 'AES_128_GCM_SHA256', 'CHACHA20_POLY1305_SHA256'],
    ...['AES_256_CBC_SHA256', 'AES_128_CBC_SHA256', 'AES_256_CBC_SHA', 'AES_128_CBC_SHA'],
  ].map((cipher) => `TLS_DHE_RSA_WITH_${cipher}`),
  ...[
    ...['AES_256_GCM_SHA384', 'AES_128_GCM_SHA256'],
    ...['AES_256_CBC_SHA256', 'AES_128_CBC_SHA256', 'AES_256_CBC_SHA', 'AES_128_CBC_SHA'],
  ].map((cipher) => `TLS_RSA_WITH_${cipher}`),
]

/**
 * Translates cipher suites from Java's names, the standard ones, to OpenSSL's, as `node:tls` takes
 * them: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`.
 *
 * @throws Error if a suite is not known.
 */
export function opensslCiphers(suites: readonly string[]): string {
  const known = new Set(getCiphers().map((name) => name.toUpperCase()))
  return suites
    .map((suite) => {
      const name = opensslName(suite)
      if (!known.has(name)) throw new Error(`Unsupported CipherSuite: ${suite}`)
      return name
    })
    .join(':')
}

function opensslName(suite: string): string {
  const [keyExchange, cipher] = suite.replace(/^(TLS|SSL)_/, '').split('_WITH_')
  if (cipher === undefined) return suite // TLS 1.3: both use the standard names.
  const encryption = cipher
    .replace(/AES_(\d+)/, 'AES$1')
    .replace(/_CBC/, '')
    .replace(/(CHACHA20_POLY1305)_SHA256/, '$1')
    .replaceAll('_', '-')
  return keyExchange === 'RSA' ? encryption : `${keyExchange!.replaceAll('_', '-')}-${encryption}`
}
