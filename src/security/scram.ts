import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

/** The hash of each mechanism, by the codes of `ScramMechanism`. */
const hashes: Readonly<Record<number, string>> = { 1: 'sha256', 2: 'sha512' }

/**
 * Returns the keys that a server stores of a salted password (RFC 5802); empty ones for an unknown
 * mechanism.
 */
export function scramKeys(mechanism: number, saltedPassword: Buffer) {
  const hash = hashes[mechanism]
  if (hash === undefined) return { storedKey: Buffer.alloc(0), serverKey: Buffer.alloc(0) }
  const hmac = (text: string) => createHmac(hash, saltedPassword).update(text).digest()
  const storedKey = createHash(hash).update(hmac('Client Key')).digest()
  return { storedKey, serverKey: hmac('Server Key') }
}

/** Returns the salted password of RFC 5802, from which keys are derived. */
export function saltPassword(
  mechanism: number,
  password: string,
  salt: Buffer,
  iterations: number,
): Buffer {
  const hash = hashes[mechanism] ?? 'sha256'
  const length = createHash(hash).digest().length
  return pbkdf2Sync(password.normalize('NFKC'), salt, iterations, length, hash)
}
