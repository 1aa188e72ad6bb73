import forge from 'node-forge'
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
