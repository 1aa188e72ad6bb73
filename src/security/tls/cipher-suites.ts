import { getCiphers } from 'node:tls'

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
