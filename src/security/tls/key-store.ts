import { createPrivateKey } from 'node:crypto'
import { isJavaKeyStore, type KeyStoreContent, readJavaKeyStore } from './java-key-store.ts'

/** A key and certificates in PEM, as `node:tls` takes them. */
export interface KeyMaterial {
  readonly key: string
  /** The own certificate and its issuers. */
  readonly chain: string
}

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g
const keyPattern =
  /-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----[\s\S]+?-----END (?:ENCRYPTED )?PRIVATE KEY-----/

/**
 * Reads a key and its certificates in PEM; the key in PKCS #8, as Kafka requires.
 *
 * @throws Error if either is missing, or the key's password is wrong.
 */
export function readPemKey(pem: string, keyPassword: string | null): KeyMaterial {
  const key = keyPattern.exec(pem)?.[0]
  if (key === undefined) throw new Error('No matching PRIVATE KEY entries in PEM file')
  const opened = createPrivateKey({
    key,
    ...(keyPassword === null ? {} : { passphrase: keyPassword }),
  })
  return {
    key: opened.export({ format: 'pem', type: 'pkcs8' }).toString(),
    chain: readPemCertificates(pem).join('\n'),
  }
}

/** @throws Error if there is none. */
export function readPemCertificates(pem: string): string[] {
  const certificates = pem.match(certificatePattern)
  if (certificates === null) throw new Error('No matching CERTIFICATE entries in PEM file')
  return certificates
}

/**
 * Reads the key of a JKS or PKCS #12 store, whichever it is: as Java, not trusting the name of its
 * type.
 */
export async function readStoreKey(
  bytes: Buffer,
  password: string,
  keyPassword: string,
): Promise<KeyMaterial> {
  const { privateKey, chain } = await readStore(bytes, password, keyPassword)
  if (privateKey === null) throw new Error('the keystore has no private key')
  const key = createPrivateKey({ key: privateKey, format: 'der', type: 'pkcs8' })
  return {
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    chain: chain.map(pemOf).join(''),
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
  if (isJavaKeyStore(bytes)) return readJavaKeyStore(bytes, password, keyPassword)
  // Loaded only where such a store is configured: it takes some 30 ms.
  const { readPkcs12 } = await import('./pkcs12.ts')
  return readPkcs12(bytes, password)
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
