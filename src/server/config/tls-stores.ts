import { readFileSync, statSync } from 'node:fs'
import { messageOf } from '../../base/error-text.ts'
import { WrongKeyPassword } from '../../security/tls/java-key-store.ts'
import {
  type KeyMaterial,
  readPemCertificates,
  readPemKey,
  readStoreCertificates,
  readStoreKey,
} from '../../security/tls/key-store.ts'
import type { ListenerSettings } from './listener-settings.ts'
import { BadConfig } from './static-config.ts'

/** Settings of a listener's key and trust stores, which may change while it is open. */
export const storeKeys = [
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.key.password',
  'ssl.keystore.key',
  'ssl.keystore.certificate.chain',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.certificates',
] as const

/** A key or trust store that cannot be used. */
export class BadStore extends BadConfig {
  /** The exception of Kafka, its class first. */
  readonly exception: string

  constructor(key: string, exception: string, why: string | null = null) {
    const text = exception.slice(exception.indexOf(': ') + 2)
    super(`${key}: ${text}${why === null ? '' : ` (${why})`}`)
    this.exception = exception
  }
}

/** The type of stores that Java reads by itself, whatever it is called. */
const javaTypes: ReadonlySet<string> = new Set(['JKS', 'PKCS12'])
const pemType = 'PEM'
const kafkaException = 'org.apache.kafka.common.KafkaException'
const invalidConfig = 'org.apache.kafka.common.errors.InvalidConfigurationException'

interface Store {
  /** `ssl.keystore.location` or `ssl.truststore.location`, for messages. */
  readonly key: string
  readonly type: string
  readonly path: string | null
  readonly password: string | null
}

function storeOf(settings: ListenerSettings, kind: 'keystore' | 'truststore'): Store {
  return {
    key: `ssl.${kind}.location`,
    type: settings.text(`ssl.${kind}.type`) ?? 'JKS',
    path: settings.text(`ssl.${kind}.location`),
    password: settings.text(`ssl.${kind}.password`),
  }
}

/**
 * Reads the key of a listener by the rules of `DefaultSslEngineFactory`.
 *
 * @returns null if none is named.
 * @throws BadStore
 */
export async function readKeyStore(settings: ListenerSettings): Promise<KeyMaterial | null> {
  const store = storeOf(settings, 'keystore')
  const { type, path, password } = store
  const [key, chain, keyPassword] = [
    'ssl.keystore.key',
    'ssl.keystore.certificate.chain',
    'ssl.key.password',
  ].map((name) => settings.text(name)) as [string | null, string | null, string | null]
  const noPassword =
    'SSL key store password cannot be specified with PEM format, only key password may be specified'
  if (key !== null) {
    if (type !== pemType) {
      refuse(store, `SSL private key can be specified only for PEM, but key store type is ${type}.`)
    }
    if (chain === null) {
      refuse(store, 'SSL private key is specified, but certificate chain is not specified.')
    }
    if (path !== null)
      refuse(store, 'Both SSL key store location and separate private key are specified.')
    if (password !== null) refuse(store, `${noPassword}.`)
    return inPem(store, 'Invalid PEM keystore configs', () =>
      readPemKey(`${key}\n${chain}`, keyPassword),
    )
  }
  if (chain !== null) {
    refuse(store, 'SSL certificate chain is specified, but private key is not specified')
  }
  if (type === pemType && path !== null) {
    if (password !== null) refuse(store, noPassword)
    return inPem(store, `Failed to load PEM SSL keystore ${path}`, () =>
      readPemKey(readFileSync(path, 'utf8'), keyPassword),
    )
  }
  if (path === null) {
    if (password !== null)
      refuse(store, 'SSL key store is not specified, but key store password is specified.')
    return null
  }
  if (password === null)
    refuse(store, 'SSL key store is specified, but key store password is not specified.')
  return inJava(store, path, (bytes) => readStoreKey(bytes, password!, keyPassword ?? password!))
}

/**
 * Reads the certificates that a listener trusts.
 *
 * @returns null where the authorities that Node.js knows are trusted.
 * @throws BadStore
 */
export async function readTrustStore(settings: ListenerSettings): Promise<string[] | null> {
  const store = storeOf(settings, 'truststore')
  const { type, path, password } = store
  const certificates = settings.text('ssl.truststore.certificates')
  const noPassword = 'SSL trust store password cannot be specified for PEM format.'
  if (certificates !== null) {
    if (type !== pemType) {
      refuse(
        store,
        `SSL trust store certs can be specified only for PEM, but trust store type is ${type}.`,
      )
    }
    if (path !== null) {
      refuse(store, 'Both SSL trust store location and separate trust certificates are specified.')
    }
    if (password !== null) refuse(store, noPassword)
    return inPem(store, 'Invalid PEM truststore configs', () => readPemCertificates(certificates))
  }
  if (type === pemType && path !== null) {
    if (password !== null) refuse(store, noPassword)
    return inPem(store, `Failed to load PEM SSL keystore ${path}`, () =>
      readPemCertificates(readFileSync(path, 'utf8')),
    )
  }
  if (path === null) {
    if (password !== null) {
      refuse(store, 'SSL trust store is not specified, but trust store password is specified.')
    }
    return null
  }
  if (password === null) throw new BadConfig('ssl.truststore.password must be set')
  return inJava(store, path, (bytes) => readStoreCertificates(bytes, password))
}

/**
 * The times in ms when the files of a listener's stores were written last; null for one that is
 * absent.
 */
export function modifiedMs(settings: ListenerSettings): (number | null)[] {
  return ['ssl.keystore.location', 'ssl.truststore.location'].map((key) => {
    const path = settings.text(key)
    if (path === null) return null
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null
  })
}

function refuse({ key }: Store, text: string): never {
  throw new BadStore(key, `${invalidConfig}: ${text}`)
}

function inPem<T>({ key }: Store, text: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new BadStore(key, `${invalidConfig}: ${text}`, messageOf(error))
  }
}

async function inJava<T>(
  { key, type }: Store,
  path: string,
  read: (bytes: Buffer) => Promise<T>,
): Promise<T> {
  try {
    if (!javaTypes.has(type.toUpperCase())) throw new Error('the type is not JKS, PKCS12 or PEM')
    return await read(readFileSync(path))
  } catch (error) {
    if (error instanceof WrongKeyPassword) {
      const cause = `java.security.UnrecoverableKeyException: ${error.message}`
      throw new BadStore(key, `${kafkaException}: ${cause}`)
    }
    const text = `Failed to load SSL keystore ${path} of type ${type}`
    throw new BadStore(key, `${kafkaException}: ${text}`, messageOf(error))
  }
}
