import { copyFileSync, writeFileSync } from 'node:fs'
import { runWell } from '../process.ts'
import { type Stores, storePassword } from './secured.ts'

/** Settings of the broker, by name; null removes one. */
type Changes = Readonly<Record<string, string | null>>

export interface AlterCase {
  readonly title: string
  readonly changes: Changes
}

const owner = 'CN=localhost,O=odradek'

/**
 * Makes key stores that may, or may not, replace that of `makeStores`' broker.
 * @returns the key and the certificate of one of them, in PEM.
 */
export async function makeRenewals(stores: Stores): Promise<string> {
  await stores.makeKey('renewed', owner)
  await stores.makeKey('stranger', 'CN=stranger,O=odradek')
  await stores.makeKey('more-names', owner, 'dns:localhost,ip:127.0.0.1,dns:more.example')
  await stores.makeKey('other-name', owner, 'dns:other.example')
  await stores.makeKey('untrusted', owner)
  // The listener between brokers must be able to verify its own certificate.
  const peers = ['broker', 'renewed', 'more-names', 'client']
  await stores.makeTrust('peers.p12', 'PKCS12', peers)
  copyFileSync(stores.path('peers.p12'), stores.path('more-peers.p12'))
  await stores.makeTrust('more-peers.p12', 'PKCS12', ['stranger'])
  const from = ['pkcs12', '-in', stores.path('renewed.p12'), '-passin', `pass:${storePassword}`]
  writeFileSync(stores.path('garbage'), 'this is no key store')
  return runWell('openssl', [...from, '-nodes'], { timeoutMs: 60_000 })
}

/** Settings of both brokers beyond those of `startSecured`: `tls` is the inter-broker listener. */
export const interBrokerSettings = (stores: Stores) => ({
  'inter.broker.listener.name': 'TLS',
  'listener.name.tls.ssl.truststore.location': stores.path('peers.p12'),
})

const of = (listener: string, changes: Changes): Changes =>
  Object.fromEntries(
    Object.entries(changes).map(([key, value]) => [`listener.name.${listener}.${key}`, value]),
  )

/** Returns alterations of keys, certificates and other settings, most of them invalid. */
export function alterCases(stores: Stores, pem: string): AlterCase[] {
  const at = (name: string) => stores.path(name)
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----/.exec(pem)![0]
  const chain = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/.exec(pem)![0]
  const perListener: Readonly<Record<string, Changes>> = {
    'a file that is missing': { 'ssl.keystore.location': at('missing.p12') },
    'no file': { 'ssl.keystore.location': '' },
    'a wrong password': { 'ssl.keystore.password': 'wrong' },
    'a wrong password and another file': {
      'ssl.keystore.location': at('renewed.p12'),
      'ssl.keystore.password': 'wrong',
    },
    'a file that is no store': { 'ssl.keystore.location': at('garbage') },
    'a file that is no JKS store': {
      'ssl.keystore.location': at('garbage'),
      'ssl.keystore.type': 'JKS',
    },
    'an unknown type': { 'ssl.keystore.type': 'FOO' },
    'PEM with a password': { 'ssl.keystore.type': 'PEM' },
    'a key password that is wrong': { 'ssl.key.password': 'wrong' },
    'another owner': { 'ssl.keystore.location': at('stranger.p12') },
    'another name': { 'ssl.keystore.location': at('other-name.p12') },
    'a store that only trusts': { 'ssl.keystore.location': at('clients.p12') },
    'a store of several entries': { 'ssl.keystore.location': at('peers.p12') },
    'a key in a PKCS12 setting': { 'ssl.keystore.key': key },
    'a key without a certificate': { 'ssl.keystore.key': key, 'ssl.keystore.type': 'PEM' },
    'a key beside a file': {
      'ssl.keystore.key': key,
      'ssl.keystore.certificate.chain': chain,
      'ssl.keystore.type': 'PEM',
    },
    'a certificate without its key': { 'ssl.keystore.certificate.chain': chain },
    'a trust store that is missing': { 'ssl.truststore.location': at('missing.p12') },
    'a trust store that is none': { 'ssl.truststore.location': at('garbage') },
    'a trust store of a wrong password': { 'ssl.truststore.password': 'wrong' },
    'trust in PEM beside a file': {
      'ssl.truststore.certificates': chain,
      'ssl.truststore.type': 'PEM',
    },
    'trust in PEM, of another type': { 'ssl.truststore.certificates': chain },
    'a trust store of PEM with a password': { 'ssl.truststore.type': 'PEM' },
  }
  const each = (listener: string) =>
    Object.entries(perListener).map(([title, changes]) => ({
      title: `${listener}: ${title}`,
      changes: of(listener, changes),
    }))
  return [
    ...each('both'),
    ...each('tls').filter(({ title }) => /owner|missing|password/.test(title)),
    {
      title: 'a certificate that the inter-broker listener does not trust',
      changes: of('tls', { 'ssl.keystore.location': at('untrusted.p12') }),
    },
    {
      title: 'trust without the own certificate, between brokers',
      changes: of('tls', { 'ssl.truststore.location': at('clients.p12') }),
    },
    {
      title: 'two listeners, one of them badly',
      changes: {
        ...of('both', { 'ssl.keystore.location': at('renewed.p12') }),
        ...of('tls', { 'ssl.keystore.location': at('stranger.p12') }),
      },
    },
    { title: 'a listener that is absent', changes: of('nobody', { 'ssl.keystore.location': 'x' }) },
    { title: 'a listener in clear', changes: of('sasl', { 'ssl.keystore.location': 'x' }) },
    { title: 'no listener', changes: { 'ssl.keystore.location': at('renewed.p12') } },
    ...Object.entries({
      'ssl.client.auth': 'required',
      'ssl.enabled.protocols': 'TLSv1.2',
      'ssl.cipher.suites': 'TLS_AES_128_GCM_SHA256',
      'ssl.principal.mapping.rules': 'DEFAULT',
      'connections.max.reauth.ms': '5000',
      'sasl.enabled.mechanisms': 'PLAIN',
      'ssl.allow.dn.changes': 'true',
      'plain.sasl.jaas.config': 'nonsense',
      'plain.connections.max.reauth.ms': '5000',
      'principal.builder.class': 'x.Y',
    }).flatMap(([name, value]) => [
      { title: `${name} of a listener`, changes: of('both', { [name]: value }) },
      {
        title: `${name} of a listener beside SASL's`,
        changes: { ...of('both', { [name]: value }), 'sasl.enabled.mechanisms': 'PLAIN' },
      },
    ]),
    ...Object.entries({
      'sasl.enabled.mechanisms': 'PLAIN',
      'sasl.jaas.config': 'nonsense',
      'connections.max.reauth.ms': '5000',
      'ssl.principal.mapping.rules': 'DEFAULT',
      'ssl.client.auth': 'none',
    }).map(([name, value]) => ({ title: `${name} of all`, changes: { [name]: value } })),
  ]
}
