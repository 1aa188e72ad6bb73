import { createHash, createHmac } from 'node:crypto'
import type { Random } from '../../base/random.ts'
import { Malformed } from '../../protocol/schema.ts'
import { equalInConstantTime } from './constant-time.ts'
import { anotherAuthorizationId } from './plain.ts'
import { type Login, type SaslAnswer, SaslFailure, type SaslServer } from './server.ts'

/** The keys a server keeps of a password (RFC 5802). */
export interface ScramCredential {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** A delegation token that a client logs in with, by `tokenauth=true`. */
export interface TokenCredential {
  readonly owner: string
  readonly expiresAtMs: number
  readonly credential: ScramCredential
}

export interface ScramOptions {
  readonly hash: 'sha256' | 'sha512'
  readonly credentialOf: (user: string) => ScramCredential | undefined
  readonly tokenOf: (tokenId: string) => TokenCredential | undefined
  readonly random: Random
}

const iterationsMin = 4096

/** Characters of RFC 5802: all of ASCII but `,`, or but `,` and `=`. */
export const value = '[\\x01-\\x2b\\x2d-\\x7f]+'
const saslName = '(?:[\\x01-\\x2b\\x2d-\\x3c\\x3e-\\x7f]|=2C|=3D)+'
export const printable = '[\\x21-\\x2b\\x2d-\\x7e]+'
export const extensions = `(?:,[A-Za-z]+=${value})*`
export const base64 = '(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?'

const clientFirst = new RegExp(
  `^n,(?:a=(?<authorizationId>${saslName}))?,(?:m=${value},)?` +
    `n=(?<name>${saslName}),r=(?<nonce>${printable})(?<extensions>${extensions})$`,
)
const clientFinal = new RegExp(
  `^c=(?<channel>${base64}),r=(?<nonce>${printable})${extensions},p=(?<proof>${base64})$`,
)

const invalid = (message: string) => new SaslFailure(message, false)

/** State between the client's first and final message. */
interface Begun {
  readonly credential: ScramCredential
  readonly login: Login
  /** Client's and server's part together. */
  readonly nonce: string
  /** The client's first message without its header, and the server's. */
  readonly firstMessages: string
}

/** SASL/SCRAM (RFC 5802; Kafka's `ScramSaslServer`). */
export class ScramServer implements SaslServer {
  private readonly options: ScramOptions
  private begun: Begun | null = null

  constructor(options: ScramOptions) {
    this.options = options
  }

  evaluate(response: Buffer): SaslAnswer {
    const { begun } = this
    this.begun = null
    return begun === null ? this.begin(response) : this.finish(begun, response)
  }

  private begin(response: Buffer): SaslAnswer {
    const message = clientFirst.exec(response.toString('utf8'))?.groups
    if (message === undefined) throw invalid('Invalid SCRAM client first message format')
    const { name = '', nonce: clientNonce = '', authorizationId } = message
    const given = parseExtensions(message.extensions ?? '')
    const user = userOf(name)
    const isByToken = given.get('tokenauth')?.toLowerCase() === 'true'
    const { credential, login } = this.lookUp(user, isByToken)
    if (authorizationId !== undefined && authorizationId !== user) throw anotherAuthorizationId()
    const { salt, iterations } = credential
    if (iterations < iterationsMin) {
      throw invalid(`Iterations ${iterations} is less than the minimum ${iterationsMin}`)
    }
    const nonce = clientNonce + this.options.random.bytes(18).toString('base64url')
    const answer = `r=${nonce},s=${salt.toString('base64')},i=${iterations}`
    // The proof covers the message as Kafka writes it again from its parts, without a reserved
    // extension. Kafka's order of several extensions differs from start to start; here it is the
    // client's, which RFC 5802 signs.
    const written = [...given].map(([key, value]) => `,${key}=${value}`)
    const firstMessages = `n=${name},r=${clientNonce}${written.join('')},${answer}`
    this.begun = { credential, login, nonce, firstMessages }
    return { bytes: Buffer.from(answer), login: null }
  }

  private lookUp(user: string, isByToken: boolean): Pick<Begun, 'credential' | 'login'> {
    if (!isByToken) {
      const credential = this.options.credentialOf(user)
      if (credential === undefined) {
        throw invalid('Authentication failed: Invalid user credentials')
      }
      return { credential, login: { name: user, isByToken, expiresAtMs: null } }
    }
    const token = this.options.tokenOf(user)
    if (token === undefined) throw invalid('Token Authentication failed: Invalid tokenId')
    const { owner: name, expiresAtMs, credential } = token
    return { credential, login: { name, isByToken, expiresAtMs } }
  }

  private finish({ credential, login, nonce, firstMessages }: Begun, response: Buffer): SaslAnswer {
    const { hash } = this.options
    const { storedKey, serverKey } = credential
    const message = clientFinal.exec(response.toString('utf8'))?.groups
    if (message === undefined) throw invalid('Invalid SCRAM client final message format')
    if (message.nonce !== nonce) {
      throw invalid('Invalid client nonce in the final client message.')
    }
    const signed = `${firstMessages},c=${message.channel},r=${message.nonce}`
    const signatureBy = (key: Buffer) => createHmac(hash, key).update(signed).digest()
    const clientSignature = signatureBy(storedKey)
    const proof = Buffer.from(message.proof ?? '', 'base64')
    // As in Kafka, which does not expect it, and closes the connection without an answer.
    if (proof.length !== clientSignature.length) throw new Malformed('a proof of another length')
    const clientKey = clientSignature.map((byte, i) => byte ^ proof[i]!)
    const computed = createHash(hash).update(clientKey).digest()
    if (!equalInConstantTime(computed, storedKey)) throw invalid('Invalid client credentials')
    return { bytes: Buffer.from(`v=${signatureBy(serverKey).toString('base64')}`), login }
  }
}

/** The extensions of a first message; of a name given twice the last value holds. */
function parseExtensions(text: string): Map<string, string> {
  const pairs = text === '' ? [] : text.slice(1).split(',')
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** The format of the message leaves `=` only in `=2C` and `=3D`. */
const userOf = (name: string) => name.replaceAll('=2C', ',').replaceAll('=3D', '=')
