import { createHmac } from 'node:crypto'
import type { Random } from '../../base/random.ts'
import { clientKeys } from '../scram.ts'
import { BadChallenge, type SaslClient } from './client.ts'
import { equalInConstantTime } from './constant-time.ts'
import { base64, extensions, printable, value } from './scram.ts'

/** The least and the most that Kafka stores (`ScramMechanism`). */
const iterationsMin = 4096
const iterationsMax = 16_384

const serverFirst = new RegExp(
  `^(?:m=${value},)?r=(?<nonce>${printable}),s=(?<salt>${base64}),i=(?<iterations>\\d{1,9})${extensions}$`,
)
const serverFinal = new RegExp(`^(?:e=(?<error>${value})|v=(?<signature>${base64}))${extensions}$`)

export interface ScramClientOptions {
  /** The code of Kafka's `ScramMechanism`. */
  readonly mechanism: 1 | 2
  readonly user: string
  readonly password: string
  /** Whether user and password are the id and the HMAC of a delegation token. */
  readonly isToken: boolean
  readonly random: Random
}

type State =
  | { readonly at: 'start' }
  | { readonly at: 'first'; readonly bare: string; readonly nonce: string }
  | { readonly at: 'final'; readonly serverSignature: Buffer }
  | { readonly at: 'end' }

/** SASL/SCRAM (RFC 5802; Kafka's `ScramSaslClient`). */
export class ScramClient implements SaslClient {
  private readonly options: ScramClientOptions
  private state: State = { at: 'start' }

  constructor(options: ScramClientOptions) {
    this.options = options
  }

  answer(challenge: Buffer): Buffer | null | Promise<Buffer> {
    const { state } = this
    this.state = { at: 'end' }
    if (state.at === 'start') return this.begin()
    if (state.at === 'first') return this.prove(state.bare, state.nonce, challenge.toString('utf8'))
    if (state.at === 'final') return checkServer(state.serverSignature, challenge.toString('utf8'))
    throw new BadChallenge('a SCRAM message after the last one')
  }

  private begin(): Buffer {
    const { user, isToken, random } = this.options
    const nonce = random.bytes(24).toString('base64url')
    const name = user.replaceAll('=', '=3D').replaceAll(',', '=2C')
    const bare = `n=${name},r=${nonce}${isToken ? ',tokenauth=true' : ''}`
    this.state = { at: 'first', bare, nonce }
    return Buffer.from(`n,,${bare}`)
  }

  private async prove(bare: string, clientNonce: string, message: string): Promise<Buffer> {
    const { mechanism, password } = this.options
    const { nonce = '', salt = '', iterations } = serverFirst.exec(message)?.groups ?? {}
    if (iterations === undefined)
      throw new BadChallenge('Invalid SCRAM server first message format')
    if (!nonce.startsWith(clientNonce)) {
      throw new BadChallenge('Invalid server nonce: does not start with client nonce')
    }
    const count = Number(iterations)
    // Kafka has no upper limit here: a server could then keep a client busy for hours.
    if (count < iterationsMin || count > iterationsMax) {
      throw new BadChallenge(
        `Requested iterations ${count} are not from ${iterationsMin} to ${iterationsMax}`,
      )
    }
    const keys = await clientKeys(mechanism, password, Buffer.from(salt, 'base64'), count)
    const withoutProof = `c=${Buffer.from('n,,').toString('base64')},r=${nonce}`
    const signed = `${bare},${message},${withoutProof}`
    const signatureBy = (key: Buffer) => createHmac(keys.hash, key).update(signed).digest()
    const signature = signatureBy(keys.storedKey)
    const proof = Buffer.from(keys.clientKey.map((byte, i) => byte ^ signature[i]!))
    this.state = { at: 'final', serverSignature: signatureBy(keys.serverKey) }
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }
}

/** @throws BadChallenge unless the server knows the password's keys, too. */
function checkServer(wanted: Buffer, message: string): null {
  const { error, signature } = serverFinal.exec(message)?.groups ?? {}
  if (error !== undefined) throw new BadChallenge(`the server answered with the error ${error}`)
  if (signature === undefined) throw new BadChallenge('Invalid SCRAM server final message format')
  if (!equalInConstantTime(Buffer.from(signature, 'base64'), wanted)) {
    throw new BadChallenge('Invalid server signature in server final message')
  }
  return null
}
