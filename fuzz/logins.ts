import {
  createHash,
  createHmac,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto'
import { silentLogger } from '../src/base/logger.ts'
import { Malformed } from '../src/protocol/schema.ts'
import { OauthBearerServer } from '../src/security/sasl/oauthbearer.ts'
import { ScramServer } from '../src/security/sasl/scram.ts'
import { SaslFailure, type SaslServer } from '../src/security/sasl/server.ts'
import { signedTokens } from '../src/security/sasl/signed-tokens.ts'
import { unsecuredTokens } from '../src/security/sasl/unsecured-tokens.ts'
import { saltPassword, scramKeys } from '../src/security/scram.ts'
import { claim, type Target } from './target.ts'

/** The answer of a mechanism; null if it refuses the client in an orderly way. */
async function evaluated(server: SaslServer, token: Buffer) {
  try {
    return await server.evaluate(token)
  } catch (error) {
    if (error instanceof SaslFailure || error instanceof Malformed) return null
    throw error
  }
}

export const passwords: ReadonlyMap<string, string> = new Map([
  ['alice', 'secret'],
  ['b,o=b', 'päss'],
])
const iterations = 4096
const salt = Buffer.from('a salt')
/** The server's part of each nonce: always the same, so that whole conversations are seeds. */
const fixedRandom = { int: () => 0, bytes: (count: number) => Buffer.alloc(count, 7) }
const mechanismCodes = { sha256: 1, sha512: 2 } as const
type Hash = keyof typeof mechanismCodes

const salted = new Map<string, Buffer>()
function saltedOf(hash: Hash, password: string): Buffer {
  const key = `${hash} ${password}`
  const known = salted.get(key) ?? saltPassword(mechanismCodes[hash], password, salt, iterations)
  salted.set(key, known)
  return known
}

/** A server whose users have `passwords`. */
export const scramServer = (hash: Hash) =>
  new ScramServer({
    hash,
    random: fixedRandom,
    credentialOf: (user) => {
      const password = passwords.get(user)
      if (password === undefined) return undefined
      return { salt, iterations, ...scramKeys(mechanismCodes[hash], saltedOf(hash, password)) }
    },
    tokenOf: () => undefined,
  })

/** The proof of RFC 5802, by a client's way: without the keys that a server keeps. */
function proofOf(hash: Hash, password: string, signed: string): Buffer {
  const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
  const clientKey = hmac(saltedOf(hash, password), 'Client Key')
  const signature = hmac(createHash(hash).update(clientKey).digest(), signed)
  return Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!))
}

const escaped = (user: string) => user.replaceAll('=', '=3D').replaceAll(',', '=2C')

/** The two messages of a client with its password. */
async function conversation(hash: Hash, user: string): Promise<[Buffer, Buffer]> {
  const bare = `n=${escaped(user)},r=nonce`
  const { bytes } = await scramServer(hash).evaluate(Buffer.from(`n,,${bare}`))
  const nonce = bytes.toString().slice(2, bytes.indexOf(','))
  const unproven = `c=biws,r=${nonce}`
  const proof = proofOf(hash, passwords.get(user)!, `${bare},${bytes},${unproven}`)
  return [Buffer.from(`n,,${bare}`), Buffer.from(`${unproven},p=${proof.toString('base64')}`)]
}

/** Conversations of all users: also for the gate. */
export const scramConversations = async (hash: Hash) =>
  Promise.all([...passwords.keys()].map((user) => conversation(hash, user)))

const scramSeeds: Buffer[] = []
const scramReady = (async () => {
  for (const [kind, hash] of [
    [0, 'sha256'],
    [1, 'sha512'],
  ] as const) {
    for (const [first, final] of await scramConversations(hash)) {
      scramSeeds.push(Buffer.concat([Buffer.from([kind]), first, Buffer.from('\n'), final]))
    }
  }
  scramSeeds.push(Buffer.from('\0n,a=alice,m=x,n=alice,r=nonce,tokenauth=true,x=y\nc=biws,r=a,p='))
})()

/** SCRAM's two messages, with a line end between them; the first byte chooses the hash. */
export const scram: Target = {
  name: 'scram',
  seeds: () => scramSeeds,
  run: async (input) => {
    await scramReady
    const hash: Hash = (input[0] ?? 0) % 2 === 0 ? 'sha256' : 'sha512'
    const end = input.indexOf('\n', 1)
    const [first, final] =
      end === -1 ? [input.subarray(1)] : [input.subarray(1, end), input.subarray(end + 1)]
    const server = scramServer(hash)
    const begun = await evaluated(server, first)
    claim(begun === null || begun.login === null, 'a login without a proof')
    if (begun === null || final === undefined) return
    const ended = await evaluated(server, final)
    if (ended === null) return
    const { login } = ended
    claim(login !== null, 'a conversation that neither fails nor ends')
    const password = passwords.get(login!.name)
    claim(password !== undefined, `a login as ${login!.name}, who has no password`)
    // A reserved extension is not part of what Kafka signs.
    const bare = first.toString().replace(/^[^,]*,[^,]*,(m=[^,]*,)?/, '')
    const text = final.toString()
    // Nor are extensions of the final message.
    const unproven = text.split(',', 2).join()
    const proof = proofOf(hash, password!, `${onceEach(bare)},${begun.bytes},${unproven}`)
    const given = Buffer.from(text.slice(text.lastIndexOf(',p=') + 3), 'base64')
    claim(given.length === proof.length && timingSafeEqual(given, proof), 'a wrong proof')
  },
}

/** Of an extension that is given twice, the last value is signed, in the first one's place. */
function onceEach(bare: string): string {
  const [name = '', nonce = '', ...extensions] = bare.split(',')
  const values = new Map(extensions.map((one) => [one.slice(0, one.indexOf('=')), one]))
  return [name, nonce, ...values.values()].join(',')
}

const nowMs = Date.UTC(2026, 0, 1)
const claims = { sub: 'alice', iss: 'me', iat: nowMs / 1000 - 5, exp: nowMs / 1000 + 600 }
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function signed(alg: string, key: KeyObject, kid: string, body: object = claims): string {
  const text = `${base64({ alg, kid })}.${base64(body)}`
  const signer = createSign('sha256').update(text)
  return `${text}.${signer.sign({ key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid })
const jwks = JSON.stringify({ keys: [jwk(rsa.publicKey, 'rsa'), jwk(ec.publicKey, 'ec')] })
const good = [signed('RS256', rsa.privateKey, 'rsa'), signed('ES256', ec.privateKey, 'ec')]

/** Signed with the public key as if it were a secret, or not at all. */
function forged(): string[] {
  const text = `${base64({ alg: 'HS256', kid: 'rsa' })}.${base64(claims)}`
  const secret = rsa.publicKey.export({ type: 'spki', format: 'pem' })
  const signature = createHmac('sha256', secret).update(text).digest('base64url')
  const late = { ...claims, exp: nowMs / 1000 - 1_000 }
  return [
    `${text}.${signature}`,
    `${base64({ alg: 'none' })}.${base64(claims)}.`,
    signed('RS256', rsa.privateKey, 'rsa', late),
    signed('RS256', rsa.privateKey, 'ec'),
  ]
}

const validateSigned = signedTokens({
  jwksUrl: new URL('file:///jwks'),
  readFile: () => jwks,
  modifiedMs: () => 0,
  refreshMs: 1_000,
  retryBackoffMs: 1_000,
  expectedIssuer: 'me',
  expectedAudiences: [],
  clockSkewSeconds: 30,
  principalClaim: 'sub',
  nowMs: () => nowMs,
  logger: silentLogger,
})
export const validateUnsecured = unsecuredTokens({ options: new Map(), nowMs: () => nowMs })

const messageOf = (token: string) => Buffer.from(`n,,\x01auth=Bearer ${token}\x01\x01`)
export const bearerMessages = () => [...good, ...forged()].map(messageOf)

/** The signed text of a token, and its signature as bytes: base64 has more than one form of them. */
function essence(token: string): string {
  const [header, body, signature = ''] = token.split('.')
  return `${header}.${body}.${Buffer.from(signature, 'base64url').toString('hex')}`
}
const goodOnes = new Set(good.map(essence))

/** OAUTHBEARER's message with a JWT, which is verified, and taken without a signature. */
export const jwt: Target = {
  name: 'jwt',
  seeds: bearerMessages,
  run: async (input) => {
    let token = ''
    const server = new OauthBearerServer((given) => {
      token = given
      return validateSigned(given)
    })
    const answer = await evaluated(server, input)
    if (answer?.login) {
      claim(goodOnes.has(essence(token)), 'a token that nobody has signed')
      claim(answer.login.name === 'alice', `a login as ${answer.login.name}`)
    }
    const unsecured = await evaluated(new OauthBearerServer(validateUnsecured), input)
    const ends = unsecured?.login?.expiresAtMs ?? null
    claim(ends === null || ends > nowMs, 'a token that has expired')
  },
}
