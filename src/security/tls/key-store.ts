import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  isJavaKeyStore,
  type KeyStoreContent,
  readJavaKeyStore,
  type StoreEntry,
} from './java-key-store.ts'

/** A key and certificates in PEM, as `node:tls` takes them. */
export interface KeyMaterial {
  /** Null in a store that only trusts. */
  readonly key: string | null
  /** The own certificate and its issuers. */
  readonly chain: string
  readonly entries: readonly StoreEntry[]
}

/** Java's alias of the only key in a PEM store. */
const pemAlias = 'kafka'

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g
const keyPattern =
  /-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----[\s\S]+?-----END (?:ENCRYPTED )?PRIVATE KEY-----/g

/**
 * Reads a key and its certificates in PEM; the key in PKCS #8, as Kafka requires, and encrypted if
 * and only if there is a password.
 *
 * @throws Error if either is missing or damaged, or the key's password is wrong.
 */
export function readPemKey(pem: string, keyPassword: string | null): KeyMaterial {
  const [key, ...more] = pem.match(keyPattern) ?? []
  if (key === undefined) throw new Error('No matching PRIVATE KEY entries in PEM file')
  if (more.length > 0) throw new Error(`Expected one private key, but found ${more.length + 1}`)
  const isEncrypted = key.includes('ENCRYPTED')
  if (isEncrypted !== (keyPassword !== null)) {
    throw new Error(`the key is ${isEncrypted ? '' : 'not '}encrypted`)
  }
  const opened = createPrivateKey({
    key,
    ...(keyPassword === null ? {} : { passphrase: keyPassword }),
  })
  const certificates = readPemCertificates(pem)
  return {
    key: opened.export({ format: 'pem', type: 'pkcs8' }).toString(),
    chain: certificates.join('\n'),
    entries: [{ alias: pemAlias, certificate: new X509Certificate(certificates[0]!).raw }],
  }
}

/** @throws Error if there is none, or one is damaged. */
export function readPemCertificates(pem: string): string[] {
  const certificates = pem.match(certificatePattern)
  if (certificates === null) throw new Error('No matching CERTIFICATE entries in PEM file')
  for (const one of certificates) new X509Certificate(one)
  return certificates
}

/**
 * Reads the key of a JKS or PKCS #12 store, whichever it is: as Java, not trusting the name of its
 * type.
 *
 * @throws WrongKeyPassword, Error if the store is damaged or its own password is wrong.
 */
export async function readStoreKey(
  bytes: Buffer,
  password: string,
  keyPassword: string,
): Promise<KeyMaterial> {
  const { privateKey, chain, entries } = await readStore(bytes, password, keyPassword)
  for (const { certificate } of entries) new X509Certificate(certificate)
  if (privateKey === null) return { key: null, chain: '', entries }
  const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' })
  return {
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    chain: chain.map(pemOf).join(''),
    entries,
  }
}

/** Reads the trusted certificates of a JKS or PKCS #12 store, as PEM. */
export async function readStoreCertificates(bytes: Buffer, password: string): Promise<string[]> {
  const { trusted } = await readStore(bytes, password, password)
  return trusted.map(pemOf)
}

async function readStore(
  bytes: Buffer,
  password: string,
  keyPassword: string,
): Promise<KeyStoreContent> {
  try {
    if (isJavaKeyStore(bytes)) return readJavaKeyStore(bytes, password, keyPassword)
    // Loaded only where such a store is configured: it takes some 30 ms.
    const { readPkcs12 } = await import('./pkcs12.ts')
    return readPkcs12(bytes, password, keyPassword)
  } catch (error) {
    // A damaged structure lacks parts that its readers, and the package, count on.
    if (error instanceof TypeError || error instanceof RangeError) {
      throw new Error('the keystore is damaged')
    }
    throw error
  }
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
