import type { SecureContextOptions, SecureVersion } from 'node:tls'
import { messageOf } from '../../base/error-text.ts'
import {
  defaultCipherSuites,
  noRenegotiation,
  opensslCiphers,
} from '../../security/tls/cipher-suites.ts'
import type { KeyMaterial } from '../../security/tls/key-store.ts'
import type { AllowedChanges } from '../../security/tls/renewed-store.ts'
import type { ListenerSettings } from './listener-settings.ts'
import { BadConfig } from './static-config.ts'
import { modifiedMs, readKeyStore, readTrustStore, storeKeys } from './tls-stores.ts'

/** Whether clients need a certificate (`ssl.client.auth`). */
export type ClientAuth = 'none' | 'requested' | 'required'

/** The key and the certificates of a listener, which may be renewed while it is open. */
export interface TlsStores {
  readonly own: KeyMaterial | null
  /** Null where the authorities that Node.js knows are trusted. */
  readonly trusted: readonly string[] | null
  /** The settings that were read: equal texts, equal settings. */
  readonly named: string
  /** When their files were written last: equal texts, equal files. */
  readonly written: string
}

export interface TlsSettings {
  readonly stores: TlsStores
  /** Protocols and cipher suites. */
  readonly fixed: SecureContextOptions
  readonly clientAuth: ClientAuth
  /** `ssl.principal.mapping.rules` */
  readonly mappingRules: string
  readonly allowed: AllowedChanges
}

const versions: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
/** Java classes that cannot be loaded here. */
const classKeys = ['ssl.engine.factory.class', 'ssl.provider', 'security.providers']

/**
 * Reads the TLS settings of a listener with the stores they name.
 *
 * @throws BadConfig in one line that names the setting.
 */
export async function readTlsSettings(settings: ListenerSettings): Promise<TlsSettings> {
  const { suites, ...offered } = readOffered(settings)
  const stores = await readStores(settings)
  if (stores.own === null) {
    throw new BadConfig('ssl.keystore.location must be set for this listener')
  }
  if (stores.own.key === null) {
    throw new BadConfig('ssl.keystore.location: the keystore has no private key')
  }
  return {
    stores,
    fixed: {
      ...offered,
      honorCipherOrder: suites.length > 0,
      // For the suites with DHE.
      dhparam: 'auto',
    },
    clientAuth: settings.text('ssl.client.auth') as ClientAuth,
    mappingRules: settings.text('ssl.principal.mapping.rules') ?? 'DEFAULT',
    allowed: {
      owners: settings.text('ssl.allow.dn.changes') === 'true',
      names: settings.text('ssl.allow.san.changes') === 'true',
    },
  }
}

/** The TLS settings of connections to other nodes. */
export interface TlsClientSettings {
  readonly stores: TlsStores
  /** Protocols and cipher suites. */
  readonly fixed: SecureContextOptions
  /** Whether the certificate must name the host, by `ssl.endpoint.identification.algorithm`. */
  readonly checksHost: boolean
}

/**
 * Reads the TLS settings of connections to a listener of other nodes, by those of this node's
 * listener of the same name. Without a key store it shows no certificate.
 *
 * @throws BadConfig in one line that names the setting.
 */
export async function readTlsClientSettings(
  settings: ListenerSettings,
): Promise<TlsClientSettings> {
  const { suites: _, ...fixed } = readOffered(settings)
  const algorithmKey = 'ssl.endpoint.identification.algorithm'
  const algorithm = settings.text(algorithmKey) ?? ''
  if (algorithm !== '' && algorithm.toLowerCase() !== 'https') {
    throw new BadConfig(`${algorithmKey} must be https or empty, and is ${algorithm}`)
  }
  return { stores: await readStores(settings), fixed, checksHost: algorithm !== '' }
}

/** Reads the settings of protocols and cipher suites, which both sides have. @throws BadConfig */
function readOffered(settings: ListenerSettings) {
  for (const key of classKeys) {
    if (settings.text(key) !== null) throw new BadConfig(`${key}: Java classes are not supported`)
  }
  const enabled = versions.filter((one) => settings.list('ssl.enabled.protocols').includes(one))
  if (enabled.length === 0) {
    throw new BadConfig('ssl.enabled.protocols names no protocol that is supported')
  }
  const suites = settings.list('ssl.cipher.suites')
  const ciphers = ciphersOf(suites.length === 0 ? defaultCipherSuites : suites)
  const [minVersion, maxVersion] = [enabled[0]!, enabled.at(-1)!]
  return { minVersion, maxVersion, ciphers, secureOptions: noRenegotiation, suites }
}

/** @throws BadStore */
export async function readStores(settings: ListenerSettings): Promise<TlsStores> {
  // The times first: a file that is written meanwhile must not pass for the one that was read.
  const written = writtenText(settings)
  const own = await readKeyStore(settings)
  return { own, trusted: await readTrustStore(settings), named: namedText(settings), written }
}

/** The texts of `TlsStores.named` and `written`, as they would be read now. */
export const namedText = (settings: ListenerSettings): string =>
  JSON.stringify(storeKeys.map((key) => settings.text(key)))
export const writtenText = (settings: ListenerSettings): string =>
  JSON.stringify(modifiedMs(settings))

/** Returns the options of `node:tls` for the connections of a listener, or to one. */
export function contextOf({
  stores: { own, trusted },
  fixed,
}: Pick<TlsSettings, 'stores' | 'fixed'>): SecureContextOptions {
  return {
    ...fixed,
    ...(own?.key == null ? {} : { key: own.key, cert: own.chain }),
    ...(trusted === null ? {} : { ca: [...trusted] }),
  }
}

function ciphersOf(suites: readonly string[]): string {
  try {
    return opensslCiphers(suites)
  } catch (error) {
    throw new BadConfig(`ssl.cipher.suites: ${messageOf(error)}`)
  }
}
