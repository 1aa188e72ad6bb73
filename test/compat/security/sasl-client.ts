import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { errorName } from '../../../src/protocol/errors.ts'
import { readResponse, requestFrame } from '../../../src/protocol/frame.ts'
import { FrameCutter } from '../../../src/protocol/frame-cutter.ts'
import { saslHandshake } from '../../../src/protocol/messages/17-sasl-handshake.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/36-sasl-authenticate.ts'
import type { AnyApi } from '../../../src/protocol/schema.ts'

const answerMsMax = 5_000

/** One connection that sends any bytes, and records each answer or the end of the connection. */
export class SaslClient {
  readonly transcript: string[] = []
  readonly #socket: Socket
  readonly #frames: Buffer[] = []
  #isClosed = false
  #wake: () => void = () => {}
  /** The answer bytes of the newest token, for the conversation's next message. */
  token: Buffer = Buffer.alloc(0)
  #correlationId = 0

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const cutter = new FrameCutter(2 ** 30)
    this.#socket.on('data', (piece) => {
      cutter.push(piece, (frame) => this.#frames.push(Buffer.from(frame)))
      this.#wake()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  frameOf(api: AnyApi, version: number, body: object): Buffer {
    const header = { correlationId: ++this.#correlationId, clientId: 'sasl' }
    return Buffer.concat(requestFrame(api, version, header, body))
  }

  write(bytes: Buffer): void {
    if (!this.#isClosed) this.#socket.write(bytes)
  }

  /** Sends a request and notes the answer's fields as text. */
  async ask(api: AnyApi, version: number, body: object, show = plain): Promise<any> {
    this.write(this.frameOf(api, version, body))
    return this.read(api, version, show)
  }

  /** Notes the answer to a request that was sent. */
  async read(api: AnyApi, version: number, show = plain): Promise<any> {
    const frame = await this.#next()
    if (typeof frame === 'string') return this.note(`${api.name}: ${frame}`)
    const { body } = readResponse(api, version, frame)
    this.note(`${api.name}: ${show(body)}`)
    return body
  }

  async handshake(mechanism: string, version = 1): Promise<any> {
    return this.ask(saslHandshake, version, { mechanism })
  }

  /** Sends a token in a SaslAuthenticate request, or in a frame of its own. */
  async sendToken(token: Buffer, version: number | 'raw' = 2, show = plain): Promise<void> {
    if (version !== 'raw') {
      const body = await this.ask(saslAuthenticate, version, { authBytes: token }, show)
      this.token = Buffer.from(body?.authBytes ?? '')
      return
    }
    const length = Buffer.alloc(4)
    length.writeInt32BE(token.length)
    this.write(Buffer.concat([length, token]))
    const frame = await this.#next()
    if (typeof frame === 'string') return this.note(`token: ${frame}`)
    this.token = frame
    this.note(`token: ${show({ authBytes: frame })}`)
  }

  note(text: string): void {
    this.transcript.push(text)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #next(): Promise<Buffer | string> {
    const deadlineMs = performance.now() + answerMsMax
    for (;;) {
      const frame = this.#frames.shift()
      if (frame !== undefined) return frame
      if (this.#isClosed) return 'closed'
      if (performance.now() > deadlineMs) return 'no answer'
      await new Promise<void>((done) => {
        const timer = setTimeout(done, 200)
        this.#wake = () => {
          clearTimeout(timer)
          done()
        }
      })
    }
  }
}

/** A response's fields; bytes as text. */
export function plain(body: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(body, (key, value) => {
    if (key === 'errorCode' && typeof value === 'number') return errorName(value)
    if (value?.type === 'Buffer') return Buffer.from(value.data).toString('latin1')
    return value
  })
}

/** Masks the server's nonce and signature, which differ in each conversation. */
export const plainScram = (body: Readonly<Record<string, unknown>>) =>
  plain(body)
    .replace(/r=([^,"]*)/, (_, nonce: string) => `r=${nonce.startsWith('abc') ? 'abc…' : nonce}`)
    .replace(/v=[^,"]*/, 'v=…')

export interface ScramChanges {
  readonly first?: string
  readonly gs2?: string
  readonly extensions?: string
  /** Changes the message before it is signed. */
  readonly channel?: string
  readonly nonce?: (nonce: string) => string
  /** Changes the proof in base64. */
  readonly proof?: (proof: string) => string
}

/** Speaks SCRAM as a client, with changes. */
export class ScramDialogue {
  readonly #hash: 'sha256' | 'sha512'
  readonly #password: string
  readonly #changes: ScramChanges
  readonly first: Buffer
  readonly #bare: string

  constructor(
    hash: 'sha256' | 'sha512',
    user: string,
    password: string,
    changes: ScramChanges = {},
  ) {
    this.#hash = hash
    this.#password = password
    this.#changes = changes
    this.#bare = changes.first ?? `n=${user},r=abc${changes.extensions ?? ''}`
    this.first = Buffer.from(`${changes.gs2 ?? 'n,,'}${this.#bare}`)
  }

  final(serverFirst: string): Buffer {
    const { channel, nonce = (one: string) => one, proof = (one: string) => one } = this.#changes
    const [, serverNonce = '', salt = '', iterations = '1'] =
      /^r=([^,]*),s=([^,]*),i=(\d+)/.exec(serverFirst) ?? []
    const binding = channel ?? Buffer.from(this.#changes.gs2 ?? 'n,,').toString('base64')
    const withoutProof = `c=${binding},r=${nonce(serverNonce)}`
    const length = this.#hash === 'sha256' ? 32 : 64
    const salted = pbkdf2Sync(
      this.#password,
      Buffer.from(salt, 'base64'),
      Number(iterations),
      length,
      this.#hash,
    )
    const hmac = (key: Buffer, text: string) => createHmac(this.#hash, key).update(text).digest()
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash(this.#hash).update(clientKey).digest()
    const signature = hmac(storedKey, `${this.#bare},${serverFirst},${withoutProof}`)
    const proven = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!))
    return Buffer.from(`${withoutProof},p=${proof(proven.toString('base64'))}`)
  }
}
