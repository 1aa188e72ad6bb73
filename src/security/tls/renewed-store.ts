import { alternativeNamesOf } from './alternative-names.ts'
import { subjectOf, subjectParts } from './distinguished-name.ts'
import type { StoreEntry } from './java-key-store.ts'

export interface AllowedChanges {
  /** `ssl.allow.dn.changes` */
  readonly owners: boolean
  /** `ssl.allow.san.changes` */
  readonly names: boolean
}

/**
 * Tells whether the certificates of a key store may take the place of those of an open listener:
 * their owners must be the same, and no name may be lost (`SslFactory`).
 *
 * @returns null, or why not, in Kafka's words.
 * @throws Error if the names of a certificate cannot be read.
 */
export function renewalFault(
  before: readonly StoreEntry[],
  after: readonly StoreEntry[],
  allowed: AllowedChanges,
): string | null {
  if (allowed.owners && allowed.names) return null
  if (before.length !== after.length) {
    return `Keystore entries do not match, existing store contains ${before.length} entries, new store contains ${after.length} entries`
  }
  const pairs = after.map((one, i) => [before[i]!, one] as const)
  const owned = allowed.owners ? undefined : pairs.find(([old, one]) => !isSameOwner(old, one))
  if (owned !== undefined) return fault('DistinguishedName does', 'DN', ownerText, owned)
  const named = allowed.names ? undefined : pairs.find(([old, one]) => losesName(old, one))
  return named === undefined ? null : fault('SubjectAltNames do', 'SAN', namesText, named)
}

const isSameOwner = (old: StoreEntry, one: StoreEntry) => canonical(old) === canonical(one)
const canonical = ({ certificate }: StoreEntry) =>
  subjectOf(certificate).toLowerCase().replace(/\s+/g, ' ')

function losesName(old: StoreEntry, one: StoreEntry): boolean {
  const kept = new Set(alternativeNamesOf(one.certificate))
  return alternativeNamesOf(old.certificate).some((name) => !kept.has(name))
}

const ownerText = ({ certificate }: StoreEntry) => subjectParts(certificate).join(', ')
const namesText = ({ certificate }: StoreEntry) => `[${alternativeNamesOf(certificate).join(', ')}]`

function fault(
  subject: string,
  label: string,
  textOf: (entry: StoreEntry) => string,
  pair: readonly [StoreEntry, StoreEntry],
): string {
  const [old, one] = pair.map((entry) => `{alias=${entry.alias}, ${label}=${textOf(entry)}}`)
  return `Keystore ${subject} not match:  existing=${old}, new=${one}`
}
