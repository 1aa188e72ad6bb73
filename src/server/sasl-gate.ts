import type { Clock } from '../base/clock.ts'
import { javaHashMapOrder } from '../base/java-hash.ts'
import type { Logger } from '../base/logger.ts'
import { isAtHand, type Piece } from '../base/pieces.ts'
import { decode, requestCodec } from '../protocol/codec.ts'
import { type ErrorName, errorCode } from '../protocol/errors.ts'
import {
  peekRequest,
  readRequestHeader,
  requestHeaderVersion,
  responseFrame,
} from '../protocol/frame.ts'
import { saslHandshake } from '../protocol/messages/17-sasl-handshake.ts'
import { apiVersions } from '../protocol/messages/18-api-versions.ts'
import { saslAuthenticate } from '../protocol/messages/36-sasl-authenticate.ts'
import { Reader } from '../protocol/reader.ts'
import { type AnyApi, type Api, type Fields, Malformed } from '../protocol/schema.ts'
import { type Login, SaslFailure, type SaslServer } from '../security/sasl/server.ts'
import { type Dispatch, type Dispatched, LastAnswer } from './connection.ts'
import { type AnyDispatcher, isServed } from './dispatch.ts'
import type { Session } from './session.ts'

/** A SASL mechanism of a listener. */
export interface SaslMechanism {
  readonly name: string
  /** `connections.max.reauth.ms`; 0 for none. */
  readonly reauthMsMax: number
  /** Begins a conversation. */
  begin(): SaslServer
}

export interface SaslGateOptions {
  readonly dispatcher: AnyDispatcher
  /** By name. */
  readonly mechanisms: ReadonlyMap<string, SaslMechanism>
  /** `connection.failed.authentication.delay.ms` */
  readonly failureDelayMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * `first`: nothing was received; `handshake-or-versions`: no ApiVersions has succeeded yet;
 * `handshake`: after ApiVersions, only SaslHandshake may follow;
 * `token`: the mechanism's conversation; `open`: logged in, until a SaslHandshake begins a
 * re-authentication; `bad-mechanism`: that has asked for another mechanism, and fails with the next
 * request.
 */
type State = 'first' | 'handshake-or-versions' | 'handshake' | 'token' | 'bad-mechanism' | 'open'

/** A re-authentication may begin this many ms after the one before it (KIP-368). */
const reauthIntervalMs = 1_000

/** The most ms of which the ns are a long of Java. */
const lifetimeMsMax = 9_223_372_036_854

class AuthenticationFailed extends Error {
  /** Sent before the connection is closed; null closes it without an answer. */
  readonly answer: readonly Piece[] | null

  constructor(message: string, answer: readonly Piece[] | null = null) {
    super(message)
    this.answer = answer
  }
}

/**
 * Stands before the handlers of one connection until its client has authenticated, and again when
 * its session must be renewed (Kafka's `SaslServerAuthenticator`, KIP-43, 152, 368).
 */
export class SaslGate implements Dispatch {
  private readonly options: SaslGateOptions
  private state: State = 'first'
  private mechanism: SaslMechanism | null = null
  private server: SaslServer | null = null
  /** Whether tokens come in SaslAuthenticate requests; else they are frames of their own. */
  private hasHeaders = false
  private isReauthentication = false
  /** Monotonic time in ms from which requests are no longer served; null for never. */
  private expiresAtMs: number | null = null
  private reauthenticatedAtMs: number | null = null

  constructor(options: SaslGateOptions) {
    this.options = options
  }

  peek(frame: Buffer): ReturnType<Dispatch['peek']> {
    if (this.state === 'open') return this.options.dispatcher.peek(frame)
    return { apiKey: -1, overlap: 'none' }
  }

  dispatch(frame: Buffer, session: Session): Dispatched['response'] {
    if (this.state !== 'open') return this.converse(frame, session)
    if (peekRequest(frame).apiKey === saslHandshake.key && this.mayReauthenticate()) {
      this.isReauthentication = true
      this.state = 'handshake'
      session.isAuthenticated = false
      return this.converse(frame, session)
    }
    if (this.expiresAtMs !== null && this.expiresAtMs < this.options.clock.monotonicMs()) {
      throw new Malformed('the session has expired')
    }
    return this.options.dispatcher.dispatch(frame, session)
  }

  private mayReauthenticate(): boolean {
    const nowMs = this.options.clock.monotonicMs()
    const { expiresAtMs, reauthenticatedAtMs } = this
    if (expiresAtMs === null) return false
    if (reauthenticatedAtMs !== null && nowMs - reauthenticatedAtMs < reauthIntervalMs) return false
    this.reauthenticatedAtMs = nowMs
    return true
  }

  private async converse(frame: Buffer, session: Session): Promise<readonly Piece[] | null> {
    try {
      if (this.state === 'token') return await this.onToken(frame, session)
      return await this.onRequest(frame, session)
    } catch (error) {
      if (!(error instanceof AuthenticationFailed)) throw error
      const { clock, logger, failureDelayMs } = this.options
      logger.info(`failed ${this.title}`, { client: session.clientHost, reason: error.message })
      // The answer waits as well: it would tell a client that guesses to go on.
      await new Promise<void>((done) => clock.after(failureDelayMs, done))
      throw new LastAnswer(error.answer)
    }
  }

  private get title(): string {
    return this.isReauthentication ? 're-authentication' : 'authentication'
  }

  /** A request before the mechanism's conversation: ApiVersions or SaslHandshake. */
  private async onRequest(frame: Buffer, session: Session): Promise<readonly Piece[] | null> {
    if (this.state === 'bad-mechanism') {
      throw new AuthenticationFailed('another mechanism than before in a re-authentication')
    }
    if (this.state === 'first') this.checkFirst(frame)
    const { apiKey } = peekRequest(frame)
    if (apiKey === saslHandshake.key) return this.onHandshake(frame)
    if (apiKey !== apiVersions.key) {
      throw new AuthenticationFailed(`a request of key ${apiKey} before SaslHandshake`)
    }
    if (this.state === 'handshake') throw new Malformed('a second ApiVersions before SaslHandshake')
    const answer = await this.options.dispatcher.dispatch(frame, session)
    if (answer !== null && errorCodeIn(answer) === errorCode('NONE')) this.state = 'handshake'
    return answer
  }

  /** Kafka takes bytes that are no request for a token of GSSAPI. */
  private checkFirst(frame: Buffer): void {
    if (frame.byteLength < 8 || !this.options.dispatcher.serves(peekRequest(frame).apiKey)) {
      throw new AuthenticationFailed('GSSAPI is not supported')
    }
    this.state = 'handshake-or-versions'
  }

  private onHandshake(frame: Buffer): readonly Piece[] {
    const { version, correlationId, body } = readRequest(saslHandshake, frame)
    const { mechanisms } = this.options
    const answer = (error: ErrorName) =>
      responseFrame(saslHandshake, version, correlationId, {
        errorCode: errorCode(error),
        mechanisms: javaHashMapOrder(mechanisms.keys()),
      })
    const mechanism = mechanisms.get(body.mechanism)
    this.hasHeaders = version >= 1
    if (mechanism === undefined) {
      if (this.isReauthentication) throw new Malformed('an unsupported SASL mechanism')
      const why = `unsupported SASL mechanism ${body.mechanism}`
      throw new AuthenticationFailed(why, answer('UNSUPPORTED_SASL_MECHANISM'))
    }
    const isAnother = this.isReauthentication && mechanism !== this.mechanism
    this.state = isAnother ? 'bad-mechanism' : 'token'
    this.mechanism = mechanism
    this.server = mechanism.begin()
    return answer('NONE')
  }

  private async onToken(frame: Buffer, session: Session): Promise<readonly Piece[]> {
    if (!this.hasHeaders) {
      const { bytes } = await this.evaluate(Buffer.from(frame), session)
      const length = Buffer.alloc(4)
      length.writeInt32BE(bytes.byteLength)
      return [length, bytes]
    }
    const { apiKey } = peekRequest(frame)
    if (apiKey !== saslAuthenticate.key) {
      const answer = this.options.dispatcher.refusal(frame, session, 'ILLEGAL_SASL_STATE')
      throw new AuthenticationFailed(`a request of key ${apiKey} instead of a token`, answer)
    }
    const { version, correlationId, body } = readRequest(saslAuthenticate, frame)
    const answer = (error: ErrorName, fields: object) =>
      responseFrame(saslAuthenticate, version, correlationId, {
        errorCode: errorCode(error),
        errorMessage: '',
        authBytes: Buffer.alloc(0),
        ...fields,
      })
    try {
      const { bytes, lifetimeMs } = await this.evaluate(Buffer.from(body.authBytes), session)
      return answer('NONE', { authBytes: bytes, sessionLifetimeMs: lifetimeMs })
    } catch (error) {
      if (!(error instanceof AuthenticationFailed)) throw error
      const errorMessage = error.message
      throw new AuthenticationFailed(
        errorMessage,
        answer('SASL_AUTHENTICATION_FAILED', { errorMessage }),
      )
    }
  }

  /** @throws AuthenticationFailed with the message of the response. */
  private async evaluate(token: Buffer, session: Session) {
    const { name } = this.mechanism!
    try {
      const { bytes, login } = await this.server!.evaluate(token)
      return { bytes, lifetimeMs: login === null ? 0 : this.open(login, session) }
    } catch (error) {
      if (!(error instanceof SaslFailure)) throw error
      throw new AuthenticationFailed(
        error.isTold
          ? error.message
          : `Authentication failed during ${this.title} due to invalid credentials with SASL mechanism ${name}`,
      )
    }
  }

  /** @returns `sessionLifetimeMs` of the response: 0 if the session has no end. */
  private open(login: Login, session: Session): number {
    const { principal } = session
    if (this.isReauthentication && principal.name !== login.name) {
      throw new AuthenticationFailed(
        `Cannot change principals during re-authentication from ${principal.type}.${principal.name}: User.${login.name}`,
      )
    }
    const { clock } = this.options
    const { reauthMsMax } = this.mechanism!
    const ends = [
      ...(reauthMsMax > 0 ? [reauthMsMax] : []),
      ...(login.expiresAtMs === null ? [] : [login.expiresAtMs - clock.nowMs()]),
    ]
    const lifetimeMs = ends.length === 0 ? 0 : Math.max(0, Math.min(...ends))
    // As in Kafka, which cannot count as many ns, and closes the connection without an answer.
    if (lifetimeMs > lifetimeMsMax) throw new Malformed(`a session of ${lifetimeMs} ms`)
    this.expiresAtMs = ends.length === 0 ? null : clock.monotonicMs() + lifetimeMs
    session.principal = { type: 'User', name: login.name }
    session.login = login
    session.isAuthenticated = true
    this.state = 'open'
    this.server = null
    this.isReauthentication = false
    return lifetimeMs
  }
}

/** @throws Malformed for a version that is not served: Kafka closes the connection. */
function readRequest<Q extends Fields, R extends Fields>(api: Api<Q, R> & AnyApi, frame: Buffer) {
  const { apiVersion: version } = peekRequest(frame)
  if (!isServed(api, version)) {
    throw new Malformed(`${api.name} v${version} is not served`)
  }
  const reader = new Reader(frame)
  const { correlationId } = readRequestHeader(reader, requestHeaderVersion(api, version))
  return { version, correlationId, body: decode(requestCodec(api, version), reader) }
}

/** Reads the error code of an ApiVersions response: it follows the header in all versions. */
function errorCodeIn(answer: readonly Piece[]): number {
  return Buffer.concat(answer.filter(isAtHand)).readInt16BE(8)
}
