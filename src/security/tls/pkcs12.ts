import forge from 'node-forge'
import { type DerElement, readDer } from './der.ts'
import { type KeyStoreContent, type StoreEntry, WrongKeyPassword } from './java-key-store.ts'

const { pkcs12, pki, asn1 } = forge
const certBag = pki.oids.certBag!
const keyBags = [pki.oids.pkcs8ShroudedKeyBag!, pki.oids.keyBag!]
/**
 * Java marks certificates that are trusted, as against those of a key's chain, by this attribute.
 */
const trustedKeyUsage = '2.16.840.1.113894.746875.1.1'

/**
 * Reads a PKCS #12 store, as Java's keytool and OpenSSL write it. Of several keys the first is
 * taken.
 *
 * @param keyPassword must be that of the store, as keytool makes them all.
 * @throws WrongKeyPassword, Error if the store is damaged or its password is wrong.
 */
export function readPkcs12(bytes: Buffer, password: string, keyPassword: string): KeyStoreContent {
  if (iterationsIn(bytes) > iterationsMax) {
    throw new Error(`more than ${iterationsMax} iterations`)
  }
  const store = pkcs12.pkcs12FromAsn1(asn1.fromDer(bytes.toString('binary')), false, password)
  const bags = store.safeContents.flatMap(({ safeBags }) => safeBags)
  const key = bags.find(({ type }) => keyBags.includes(type))
  const certificates = bags.filter(({ type }) => type === certBag)
  const isTrusted = (bag: forge.pkcs12.Bag) =>
    key === undefined || trustedKeyUsage in bag.attributes
  if (key !== undefined && keyPassword !== password) {
    throw new WrongKeyPassword(
      'Get Key failed: Given final block not properly padded. Such issues can arise if a bad key is used during decryption.',
    )
  }
  const chain = ownFirst(
    certificates.filter((bag) => !isTrusted(bag)),
    key,
  )
  const trusted = certificates.filter(isTrusted)
  return {
    privateKey: key === undefined ? null : privateKeyOf(key),
    chain: chain.map(certificateOf),
    trusted: trusted.map(certificateOf),
    entries: [
      ...chain.slice(0, 1).map((bag) => entryOf(key!, bag)),
      ...trusted.map((bag) => entryOf(bag, bag)),
    ],
  }
}

/** The contents of a store are wrapped as a string, and the key's part of them once more. */
const wrappedMax = 2
/**
 * The most rounds of a hash, which a damaged or hostile store could make endless: Java's keytool
 * writes 10,000, that of Java 12 to 15 100,000.
 */
const iterationsMax = 100_000
const numberTag = 0x02
const stringTag = 0x04
const constructedBit = 0x20

/** The largest number in a store, which may be that of the rounds of a hash. */
export function iterationsIn(bytes: Buffer, wraps = wrappedMax): number {
  const all = elementsOf(bytes).map(({ tag, content }) => {
    if ((tag & constructedBit) !== 0) return iterationsIn(content, wraps)
    if (tag === stringTag && wraps > 0) return iterationsIn(content, wraps - 1)
    return tag === numberTag ? numberOf(content) : 0
  })
  return all.reduce((most, one) => Math.max(most, one), 0)
}

const numberOf = (content: Buffer) => Number.parseInt(content.toString('hex') || '0', 16)

/** None in a string that holds something else, as a salt. */
function elementsOf(bytes: Buffer): DerElement[] {
  try {
    return readDer(bytes)
  } catch {
    return []
  }
}

/** @param named the bag whose name the entry has: of a key, that of the key. */
function entryOf(named: forge.pkcs12.Bag, bag: forge.pkcs12.Bag): StoreEntry {
  const alias: string = named.attributes.friendlyName?.[0] ?? ''
  return { alias: alias.toLowerCase(), certificate: certificateOf(bag) }
}

/** The certificate that belongs to the key stands first, as TLS sends it. */
function ownFirst(chain: readonly forge.pkcs12.Bag[], key: forge.pkcs12.Bag | undefined) {
  const idOf = (bag: forge.pkcs12.Bag | undefined): string | undefined =>
    bag?.attributes.localKeyId?.[0]
  const isOwn = (bag: forge.pkcs12.Bag) => idOf(bag) !== undefined && idOf(bag) === idOf(key)
  return [...chain.filter(isOwn), ...chain.filter((bag) => !isOwn(bag))]
}

const derOf = (node: forge.asn1.Asn1) => Buffer.from(asn1.toDer(node).getBytes(), 'binary')

/** The package parses RSA only, and gives the structure of other keys as it stands. */
function privateKeyOf(bag: forge.pkcs12.Bag): Buffer {
  if (!bag.key) return derOf(bag.asn1)
  return derOf(pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(bag.key)))
}

function certificateOf(bag: forge.pkcs12.Bag): Buffer {
  return derOf(bag.cert ? pki.certificateToAsn1(bag.cert) : bag.asn1)
}
