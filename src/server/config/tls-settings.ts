import { readFileSync } from 'node:fs'
import type { SecureContextOptions, SecureVersion } from 'node:tls'
import { messageOf } from '../../base/error-text.ts'
import {
  defaultCipherSuites,
  noRenegotiation,
  opensslCiphers,
} from '../../security/tls/cipher-suites.ts'
import {
  type KeyMaterial,
  readPemCertificates,
  readPemKey,
  readStoreCertificates,
  readStoreKey,
} from '../../security/tls/key-store.ts'
import type { ListenerSettings } from './listener-settings.ts'
import { BadConfig } from './static-config.ts'

/** Whether clients need a certificate (`ssl.client.auth`). */
export type ClientAuth = 'none' | 'requested' | 'required'

export interface TlsSettings {
  readonly context: SecureContextOptions
  readonly clientAuth: ClientAuth
  /** `ssl.principal.mapping.rules` */
  readonly mappingRules: string
}

const versions: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
const storeTypes: ReadonlySet<string> = new Set(['JKS', 'PKCS12', 'PEM'])
/** Java classes that cannot be loaded here. */
const classKeys = ['ssl.engine.factory.class', 'ssl.provider', 'security.providers']

/**
 * Reads the TLS settings of a listener with the stores they name.
 *
 * @throws BadConfig in one line that names the setting.
 */
export async function readTlsSettings(settings: ListenerSettings): Promise<TlsSettings> {
  for (const key of classKeys) {
    if (settings.text(key) !== null) throw new BadConfig(`${key}: Java classes are not supported`)
  }
  const own = await named('ssl.keystore.location', () => readOwnKey(settings))
  const trusted = await named('ssl.truststore.location', () => readTrusted(settings))
  const enabled = versions.filter((one) => settings.list('ssl.enabled.protocols').includes(one))
  if (enabled.length === 0) {
    throw new BadConfig('ssl.enabled.protocols names no protocol that is supported')
  }
  const suites = settings.list('ssl.cipher.suites')
  const ciphers = await named('ssl.cipher.suites', () =>
    opensslCiphers(suites.length === 0 ? defaultCipherSuites : suites),
  )
  return {
    context: {
      key: own.key,
      cert: own.chain,
      minVersion: enabled[0]!,
      maxVersion: enabled.at(-1)!,
      ...(trusted === null ? {} : { ca: trusted }),
      ciphers,
      honorCipherOrder: suites.length > 0,
      // For the suites with DHE.
      dhparam: 'auto',
      secureOptions: noRenegotiation,
    },
    clientAuth: settings.text('ssl.client.auth') as ClientAuth,
    mappingRules: settings.text('ssl.principal.mapping.rules') ?? 'DEFAULT',
  }
}

async function named<T>(key: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof BadConfig) throw error
    throw new BadConfig(`${key}: ${messageOf(error)}`)
  }
}

function storeTypeOf(settings: ListenerSettings, key: string): string {
  const type = (settings.text(key) ?? 'JKS').toUpperCase()
  if (!storeTypes.has(type)) throw new BadConfig(`${key}: ${type} is not JKS, PKCS12 or PEM`)
  return type
}

async function readOwnKey(settings: ListenerSettings): Promise<KeyMaterial> {
  const type = storeTypeOf(settings, 'ssl.keystore.type')
  const location = settings.text('ssl.keystore.location')
  const key = settings.text('ssl.keystore.key')
  const password = settings.text('ssl.keystore.password')
  const keyPassword = settings.text('ssl.key.password')
  if (key !== null) {
    if (type !== 'PEM') {
      throw new BadConfig('ssl.keystore.key needs ssl.keystore.type=PEM')
    }
    const chain = settings.text('ssl.keystore.certificate.chain') ?? ''
    return readPemKey(`${key}\n${chain}`, keyPassword)
  }
  if (location === null) throw new BadConfig('ssl.keystore.location must be set for this listener')
  if (type === 'PEM') return readPemKey(readFileSync(location, 'utf8'), keyPassword)
  if (password === null) throw new BadConfig('ssl.keystore.password must be set')
  return readStoreKey(readFileSync(location), password, keyPassword ?? password)
}

/** @returns null where the authorities that Node.js knows are trusted. */
async function readTrusted(settings: ListenerSettings): Promise<string[] | null> {
  const type = storeTypeOf(settings, 'ssl.truststore.type')
  const certificates = settings.text('ssl.truststore.certificates')
  if (certificates !== null) return readPemCertificates(certificates)
  const location = settings.text('ssl.truststore.location')
  if (location === null) return null
  if (type === 'PEM') return readPemCertificates(readFileSync(location, 'utf8'))
  const password = settings.text('ssl.truststore.password')
  if (password === null) throw new BadConfig('ssl.truststore.password must be set')
  return readStoreCertificates(readFileSync(location), password)
}
