import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJaas } from '../src/security/jaas.ts'
import { parsePrincipalMapping } from '../src/security/principal-mapping.ts'
import { alternativeNamesOf } from '../src/security/tls/alternative-names.ts'
import { subjectOf } from '../src/security/tls/distinguished-name.ts'
import { isJavaKeyStore } from '../src/security/tls/java-key-store.ts'
import {
  readPemCertificates,
  readPemKey,
  readStoreCertificates,
  readStoreKey,
} from '../src/security/tls/key-store.ts'
import { iterationsIn } from '../src/security/tls/pkcs12.ts'
import { quoted } from '../src/server/config/made-security.ts'
import { projectRoot } from '../test/compat/project-root.ts'
import { claim, type Target } from './target.ts'

/** Errors that JavaScript throws by itself when our code is wrong. */
const slips = [TypeError, RangeError, ReferenceError]

/** Returns the result of a reader; null if it throws an error of its own, not a slip. */
async function orRefused<T>(read: () => T | Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (slips.some((slip) => error instanceof slip) || !(error instanceof Error)) throw error
    return null
  }
}

/** Texts of `sasl.jaas.config`. */
export const jaas: Target = {
  name: 'jaas',
  seeds: () =>
    [
      'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="secret";',
      'a.B requisite a="\\"\\\\\\n\\101" b=\'c\' /* no */ d=e // f\n;',
      'x optional a=1 b=-.5 c=d-e ü="é";',
    ].map((text) => Buffer.from(text)),
  run: async (input) => {
    const module = await orRefused(() => parseJaas(input.toString('utf8')))
    if (module === null) return
    const options = [...module.options].map(([key, value]) => `${quoted(key)}=${quoted(value)}`)
    const lines = `${quoted(module.name)} required ${options.join(' ')};`
    // A line end ends a string, and cannot be written in one.
    if (/[\r\n]/.test(lines)) return
    const again = parseJaas(lines)
    claim(again.name === module.name, 'the module changes when it is written')
    claim(
      JSON.stringify([...again.options]) === JSON.stringify([...module.options]),
      'options change when they are written',
    )
  },
}

/** A repetition of repetitions may take for ever, in Java as well: operators do not write it. */
const nested = /[*+}?][^()]*\)+[*+{]|\\\d/
const nameBytesMax = 200

/** `ssl.principal.mapping.rules`, and a name behind a line end. */
export const mapping: Target = {
  name: 'mapping',
  seeds: () =>
    [
      'DEFAULT\nCN=alice',
      'RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/,RULE:^CN=(.*?),.*$/$1@$10/L,DEFAULT\nCN=a,OU=b,C=DE',
      'RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1\\/\\$/U\nCN=a.b,OU=ServiceUsers',
      ' RULE:a/b/ , RULE:x\\/y/$0/ ,\nx/y',
    ].map((text) => Buffer.from(text)),
  run: async (input) => {
    const [rules = '', name = ''] = input.toString('utf8').split('\n', 2)
    if (nested.test(rules)) return
    const map = await orRefused(() => parsePrincipalMapping(rules))
    if (map === null) return
    const mapped = map(name.slice(0, nameBytesMax))
    claim(mapped === null || typeof mapped === 'string', 'neither a name nor none')
    if (/^\s*DEFAULT\s*(,|$)/.test(rules)) {
      claim(mapped === name.slice(0, nameBytesMax), 'DEFAULT gives another name')
    }
  },
}

const folder = join(projectRoot, 'test', 'golden', 'stores')
const storePassword = 'store-pw'
const stores = () =>
  readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))
const keyPasswordOf = (bytes: Buffer) => (isJavaKeyStore(bytes) ? 'key-pw' : storePassword)

let certificates: readonly Buffer[] = []
let texts: readonly Buffer[] = []
const ready = (async () => {
  const read = await Promise.all(
    stores().map(async ({ name, bytes }) =>
      name.startsWith('trust')
        ? { key: '', pem: (await readStoreCertificates(bytes, storePassword)).join('') }
        : readStoreKey(bytes, storePassword, keyPasswordOf(bytes)).then(({ key, chain }) => ({
            key: key ?? '',
            pem: chain,
          })),
    ),
  )
  certificates = read.map(({ pem }) => new X509Certificate(pem).raw)
  const sealed = read
    .filter(({ key }) => key !== '')
    .map(({ key, pem }) => {
      const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' } as const
      return `${createPrivateKey(key).export({ ...options, passphrase: storePassword })}${pem}`
    })
  texts = [...read.map(({ key, pem }) => `${key}${pem}`), ...sealed].map((text) =>
    Buffer.from(text),
  )
})()

/** Certificates of clients: TLS has read them already, so what it takes must have a name. */
export const certificate: Target = {
  name: 'certificate',
  seeds: () => certificates,
  run: async (input) => {
    await ready
    const isRead = await orRefused(() => new X509Certificate(input).raw)
    if (isRead === null) return
    const subject = subjectOf(isRead)
    claim(typeof subject === 'string', 'no subject')
    await orRefused(() => alternativeNamesOf(isRead))
  },
}

const digestBytes = 20
/** Stores of more rounds are read as well, but take longer than an input may. */
const iterationsMax = 12_000

/** Gives a Java store, whose digest refuses every change, the digest of what it now holds. */
function mended(input: Buffer): Buffer {
  if (!isJavaKeyStore(input) || input.length < digestBytes) return input
  const content = input.subarray(0, input.length - digestBytes)
  const password = Buffer.from(storePassword, 'utf16le').swap16()
  const hash = createHash('sha1').update(password).update('Mighty Aphrodite').update(content)
  return Buffer.concat([content, hash.digest()])
}

const known = new Set(stores().map(({ bytes }) => bytes.toString('hex')))

/** Key and trust stores: JKS, PKCS #12 and PEM. */
export const keyStores: Target = {
  name: 'keystore',
  seeds: () => [...stores().map(({ bytes }) => bytes), ...texts],
  run: async (input) => {
    await ready
    if (iterationsIn(input) > iterationsMax) return
    const password = keyPasswordOf(input)
    if (isJavaKeyStore(input)) {
      const asGiven = await orRefused(() => readStoreKey(input, storePassword, password))
      const isKnown = known.has(input.toString('hex'))
      claim(asGiven === null || isKnown, 'a Java store that was tampered with is read')
    }
    const bytes = mended(input)
    const read = await orRefused(() => readStoreKey(bytes, storePassword, password))
    if (read !== null && read.key !== null) createPrivateKey(read.key)
    await orRefused(() => readStoreCertificates(bytes, storePassword))
    const text = input.toString('latin1')
    for (const keyPassword of [null, storePassword]) {
      const pem = await orRefused(() => readPemKey(text, keyPassword))
      if (pem !== null) createPrivateKey(pem.key!)
    }
    for (const one of (await orRefused(() => readPemCertificates(text))) ?? []) {
      new X509Certificate(one)
    }
  },
}
