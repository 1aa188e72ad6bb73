import { createHash, createHmac, pbkdf2, pbkdf2Sync } from 'node:crypto'
import { promisify } from 'node:util'

/** The hash of each mechanism, by the codes of `ScramMechanism`, and the length of its output. */
const hashes: Readonly<Record<number, { readonly name: string; readonly bytes: number }>> = {
  1: { name: 'sha256', bytes: 32 },
  2: { name: 'sha512', bytes: 64 },
}

const clientKeyBy = (hash: string, saltedPassword: Buffer) =>
  createHmac(hash, saltedPassword).update('Client Key').digest()

/**
 * Returns the keys that a server stores of a salted password (RFC 5802); empty ones for an unknown
 * mechanism.
 */
export function scramKeys(mechanism: number, saltedPassword: Buffer) {
  const hash = hashes[mechanism]?.name
  if (hash === undefined) return { storedKey: Buffer.alloc(0), serverKey: Buffer.alloc(0) }
  const storedKey = createHash(hash).update(clientKeyBy(hash, saltedPassword)).digest()
  const serverKey = createHmac(hash, saltedPassword).update('Server Key').digest()
  return { storedKey, serverKey }
}

/**
 * Returns the salted password of RFC 5802, from which keys are derived. As in Kafka and its
 * clients, the password is not normalized.
 */
export function saltPassword(
  mechanism: number,
  password: string,
  salt: Buffer,
  iterations: number,
): Buffer {
  const { name, bytes } = hashes[mechanism] ?? hashes[1]!
  return pbkdf2Sync(password, salt, iterations, bytes, name)
}

const pbkdf2Later = promisify(pbkdf2)

/** The keys of a client and of its server, computed in a thread of the pool. */
export async function clientKeys(
  mechanism: 1 | 2,
  password: string,
  salt: Buffer,
  iterations: number,
) {
  const { name, bytes } = hashes[mechanism]!
  const salted = await pbkdf2Later(password, salt, iterations, bytes, name)
  return { ...scramKeys(mechanism, salted), clientKey: clientKeyBy(name, salted), hash: name }
}
