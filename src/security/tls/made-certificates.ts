import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import forge from 'node-forge'
import type { Random } from '../../base/random.ts'

const { pki, md } = forge
const rsaBits = 2048
const serialBytes = 16
/** Made for a test: whatever its clock says, they are valid. */
const validity = { from: new Date('2000-01-01'), until: new Date('2049-12-31') }

/** A key and its certificate, in PEM. */
export interface MadeCertificate {
  /** PKCS #8, not encrypted. */
  readonly key: string
  readonly certificate: string
}

/** An authority that lives as long as a test, and issues certificates of servers and clients. */
export class MadeAuthority {
  /** The authority's own certificate, in PEM. */
  readonly certificate: string
  private readonly random: Random
  private readonly own: forge.pki.Certificate
  private readonly key: forge.pki.rsa.PrivateKey

  private constructor(random: Random, own: forge.pki.Certificate, key: forge.pki.rsa.PrivateKey) {
    this.random = random
    this.own = own
    this.key = key
    this.certificate = pki.certificateToPem(own)
  }

  static async make(random: Random): Promise<MadeAuthority> {
    const key = await makeKey()
    const own = draftOf('odradek test authority', key, random)
    own.setIssuer(own.subject.attributes)
    own.setExtensions([
      { name: 'basicConstraints', critical: true, cA: true },
      { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
      { name: 'subjectKeyIdentifier' },
    ])
    own.sign(key.opened, md.sha256.create())
    return new MadeAuthority(random, own, key.opened)
  }

  /** @param hosts names and addresses of a server; none for a client. */
  async issue(commonName: string, hosts: readonly string[] = []): Promise<MadeCertificate> {
    const key = await makeKey()
    const draft = draftOf(commonName, key, this.random)
    draft.setIssuer(this.own.subject.attributes)
    draft.setExtensions([
      { name: 'basicConstraints', critical: true, cA: false },
      { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      { name: 'subjectKeyIdentifier' },
      {
        name: 'authorityKeyIdentifier',
        keyIdentifier: this.own.generateSubjectKeyIdentifier().getBytes(),
      },
      ...(hosts.length === 0 ? [] : [{ name: 'subjectAltName', altNames: hosts.map(nameOf) }]),
    ])
    draft.sign(this.key, md.sha256.create())
    return { key: key.pem, certificate: pki.certificateToPem(draft) }
  }
}

interface MadeKey {
  readonly pem: string
  readonly opened: forge.pki.rsa.PrivateKey
}

/** Node makes keys on a thread of its own, and far faster than the package would. */
async function makeKey(): Promise<MadeKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: rsaBits })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { pem, opened: pki.privateKeyFromPem(pem) }
}

function draftOf(commonName: string, { opened }: MadeKey, random: Random): forge.pki.Certificate {
  const draft = pki.createCertificate()
  draft.publicKey = pki.setRsaPublicKey(opened.n, opened.e)
  // The first byte keeps the number positive, and its encoding the shortest one.
  draft.serialNumber = `01${random.bytes(serialBytes).toString('hex')}`
  draft.validity.notBefore = validity.from
  draft.validity.notAfter = validity.until
  draft.setSubject([{ name: 'commonName', value: commonName }])
  return draft
}

const dnsKind = 2
const addressKind = 7
const isAddress = (host: string) => /^[\d.]+$/.test(host) || host.includes(':')
const nameOf = (host: string) =>
  isAddress(host) ? { type: addressKind, ip: host } : { type: dnsKind, value: host }
