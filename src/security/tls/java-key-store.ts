import { createHash } from 'node:crypto'
import { equalInConstantTime } from '../sasl/constant-time.ts'
import { readDer } from './der.ts'

/** A certificate of a store under its name: a key's own, or one that is trusted. */
export interface StoreEntry {
  /** In small letters, as Java keeps it. */
  readonly alias: string
  /** DER */
  readonly certificate: Buffer
}

/** A key cannot be opened by the key's password, in the words of Java's exception. */
export class WrongKeyPassword extends Error {
  override readonly name = 'WrongKeyPassword'
}

/**
 * The content of a key store: one private key with its chain, and certificates that are trusted.
 */
export interface KeyStoreContent {
  /** In PKCS #8, DER; null in a store that only trusts. */
  readonly privateKey: Buffer | null
  /** DER, the key's own certificate first. */
  readonly chain: readonly Buffer[]
  readonly trusted: readonly Buffer[]
  readonly entries: readonly StoreEntry[]
}

const magic = 0xfeedfeed
const privateKeyTag = 1
const trustedTag = 2
const digestBytes = 20

/** JKS stores begin so; PKCS #12 ones are DER. */
export const isJavaKeyStore = (bytes: Buffer) =>
  bytes.length >= 4 && bytes.readUInt32BE(0) === magic

/**
 * Reads a store in Java's own format, JKS. Of several keys the first is taken, as Java does for a
 * server that names none.
 *
 * @throws Error if the store is damaged or a password is wrong.
 */
export function readJavaKeyStore(
  bytes: Buffer,
  password: string,
  keyPassword: string,
): KeyStoreContent {
  const content = bytes.subarray(0, bytes.length - digestBytes)
  const expected = createHash('sha1')
    .update(utf16(password))
    .update('Mighty Aphrodite')
    .update(content)
    .digest()
  if (!equalInConstantTime(expected, bytes.subarray(content.length))) {
    throw new Error('keystore password was incorrect, or the keystore was tampered with')
  }
  const reader = new JksReader(content)
  const version = reader.skip(4).uint32()
  const count = reader.uint32()
  let privateKey: Buffer | null = null
  let chain: readonly Buffer[] = []
  const trusted: Buffer[] = []
  const entries: StoreEntry[] = []
  for (let i = 0; i < count; i++) {
    const tag = reader.uint32()
    const alias = reader.utf()
    reader.skip(8) // the time when it was made
    if (tag === trustedTag) {
      const certificate = reader.certificate(version)
      trusted.push(certificate)
      entries.push({ alias, certificate })
    } else if (tag === privateKeyTag) {
      const sealed = reader.bytes(reader.uint32())
      const certificates = Array.from({ length: reader.uint32() }, () =>
        reader.certificate(version),
      )
      if (certificates.length > 0) entries.push({ alias, certificate: certificates[0]! })
      if (privateKey !== null) continue
      privateKey = unseal(sealed, keyPassword)
      chain = certificates
    } else throw new Error(`a keystore entry of an unknown kind: ${tag}`)
  }
  return { privateKey, chain, trusted, entries }
}

class JksReader {
  private readonly content: Buffer
  private at = 0

  constructor(content: Buffer) {
    this.content = content
  }

  skip(count: number): this {
    this.bytes(count)
    return this
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE(0)
  }

  utf(): string {
    return this.bytes(this.bytes(2).readUInt16BE(0)).toString('utf8')
  }

  /** @param version from 2 on, the kind of certificate stands before it. */
  certificate(version: number): Buffer {
    if (version >= 2) this.utf()
    return this.bytes(this.uint32())
  }

  bytes(count: number): Buffer {
    const end = this.at + count
    if (end > this.content.length) throw new Error('the keystore is cut short')
    const bytes = this.content.subarray(this.at, end)
    this.at = end
    return bytes
  }
}

/** Java hashes passwords as UTF-16, big-endian. */
const utf16 = (text: string) => Buffer.from(text, 'utf16le').swap16()

/**
 * Opens a private key that Java's `KeyProtector` has sealed: an EncryptedPrivateKeyInfo, whose
 * octets
 * are a salt, the key XORed with a chain of SHA-1 digests, and a digest of the key.
 */
function unseal(encrypted: Buffer, password: string): Buffer {
  const [whole] = readDer(encrypted)
  const octets = readDer(whole!.content)[1]!.content
  const salt = octets.subarray(0, digestBytes)
  const sealed = octets.subarray(digestBytes, octets.length - digestBytes)
  const secret = utf16(password)
  const key = Buffer.alloc(sealed.length)
  let digest: Buffer = salt
  for (let at = 0; at < sealed.length; at += digestBytes) {
    digest = createHash('sha1').update(secret).update(digest).digest()
    for (let i = 0; i < digestBytes && at + i < sealed.length; i++) {
      key[at + i] = sealed[at + i]! ^ digest[i]!
    }
  }
  const check = createHash('sha1').update(secret).update(key).digest()
  if (!equalInConstantTime(check, octets.subarray(octets.length - digestBytes))) {
    throw new WrongKeyPassword('Cannot recover key')
  }
  return key
}
