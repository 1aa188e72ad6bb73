import { silentLogger } from '../src/base/logger.ts'
import type { Piece } from '../src/base/pieces.ts'
import { requestFrame } from '../src/protocol/frame.ts'
import { saslHandshake } from '../src/protocol/messages/17-sasl-handshake.ts'
import { apiVersions } from '../src/protocol/messages/18-api-versions.ts'
import { saslAuthenticate } from '../src/protocol/messages/36-sasl-authenticate.ts'
import { type AnyApi, Malformed } from '../src/protocol/schema.ts'
import { anonymous } from '../src/security/authorizer.ts'
import { OauthBearerServer } from '../src/security/sasl/oauthbearer.ts'
import { PlainServer } from '../src/security/sasl/plain.ts'
import type { SaslServer } from '../src/security/sasl/server.ts'
import { LastAnswer } from '../src/server/connection.ts'
import type { Dispatcher } from '../src/server/dispatch.ts'
import { SaslGate, type SaslMechanism } from '../src/server/sasl-gate.ts'
import { newSession, type Session } from '../src/server/session.ts'
import {
  bearerMessages,
  passwords,
  scramConversations,
  scramServer,
  validateUnsecured,
} from './logins.ts'
import { requests } from './messages.ts'
import { claim, type Target } from './target.ts'

const framesMax = 20
const nowMs = Date.UTC(2026, 0, 1)

/** Stands for the handlers: notes whom they would have served. */
class Served {
  private readonly logins: ReadonlySet<string>
  calls = 0

  /** @param logins names that a mechanism has said to be logged in. */
  constructor(logins: ReadonlySet<string>) {
    this.logins = logins
  }

  readonly peek = () => ({ apiKey: -1, overlap: 'none' }) as const
  readonly serves = (key: number) => key >= 0 && key < 80
  readonly refusal = (): Piece[] => [Buffer.alloc(10)]
  readonly dispatch = (frame: Buffer, session: Session): Promise<Piece[]> => {
    this.calls++
    if (frame.readInt16BE(0) !== apiVersions.key) {
      claim(session.isAuthenticated, 'a request of a client that has not logged in is served')
      claim(this.logins.has(session.principal.name), 'the principal is nobody who has logged in')
    }
    return Promise.resolve([Buffer.alloc(10)])
  }
}

function sessionOf(): Session {
  return newSession({
    id: 'fuzz',
    listenerName: 'SASL',
    dialled: null,
    clientHost: '/127.0.0.1',
    clientPort: 1,
    closed: new AbortController().signal,
    mute: () => {},
    principal: anonymous,
    isAuthenticated: false,
  })
}

/** The mechanisms of a listener, which note each login. */
function mechanismsNoting(logins: Set<string>): ReadonlyMap<string, SaslMechanism> {
  const noting = (server: SaslServer): SaslServer => ({
    evaluate: async (token) => {
      const answer = await server.evaluate(token)
      if (answer.login !== null) logins.add(answer.login.name)
      return answer
    },
  })
  const make: Readonly<Record<string, () => SaslServer>> = {
    PLAIN: () => new PlainServer((user) => passwords.get(user)),
    'SCRAM-SHA-256': () => scramServer('sha256'),
    'SCRAM-SHA-512': () => scramServer('sha512'),
    OAUTHBEARER: () => new OauthBearerServer(validateUnsecured),
  }
  const all = Object.entries(make).map(
    ([name, begin]) => [name, { name, reauthMsMax: 60_000, begin: () => noting(begin()) }] as const,
  )
  return new Map(all)
}

/** Frames as they arrive; what is left over is a frame, too. */
function framesIn(input: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let rest = input; rest.length > 4 && frames.length < framesMax; ) {
    const length = rest.readInt32BE(0)
    const end = length < 0 || length > rest.length - 4 ? rest.length : 4 + length
    frames.push(Buffer.from(rest.subarray(4, end)))
    rest = rest.subarray(end)
  }
  return frames
}

const frameOf = (api: AnyApi, version: number, body: object) => {
  const frame = Buffer.concat(
    requestFrame(api, version, { correlationId: 1, clientId: 'fuzz' }, body),
  )
  return frame
}
const bare = (token: Buffer) => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(token.length)
  return Buffer.concat([length, token])
}

let seeds: readonly Buffer[] = []
const ready = (async () => {
  const plain = [...passwords].map(([user, password]) => Buffer.from(`\0${user}\0${password}`))
  const logins: [string, Buffer[]][] = [
    ...plain.map((token): [string, Buffer[]] => ['PLAIN', [token]]),
    ...(await scramConversations('sha256')).map((two): [string, Buffer[]] => [
      'SCRAM-SHA-256',
      two,
    ]),
    ...(await scramConversations('sha512')).map((two): [string, Buffer[]] => [
      'SCRAM-SHA-512',
      two,
    ]),
    ...bearerMessages().map((one): [string, Buffer[]] => ['OAUTHBEARER', [one]]),
  ]
  const some = requests.seeds().slice(0, 40).map(bare)
  const versions = frameOf(apiVersions, 3, {
    clientSoftwareName: 'fuzz',
    clientSoftwareVersion: '1',
  })
  seeds = logins.flatMap(([mechanism, tokens], i) => {
    const after = some[i % some.length]!
    const wrapped = tokens.map((authBytes) => frameOf(saslAuthenticate, i % 3, { authBytes }))
    const long = [frameOf(saslHandshake, 1, { mechanism }), ...wrapped]
    const short = [frameOf(saslHandshake, 0, { mechanism }), ...tokens.map(bare)]
    return [
      Buffer.concat([versions, ...long, after, ...long, after]),
      Buffer.concat([...short, after]),
    ]
  })
})()

/** Frames of one connection before, during and after its login, and again. */
export const gate: Target = {
  name: 'gate',
  seeds: () => seeds,
  run: async (input) => {
    await ready
    const logins = new Set<string>()
    const served = new Served(logins)
    let monotonicMs = 0
    const after = (_: number, ring: () => void) => {
      ring()
      return { clear: () => {} }
    }
    const sasl = new SaslGate({
      dispatcher: served as unknown as Dispatcher,
      mechanisms: mechanismsNoting(logins),
      failureDelayMs: 0,
      // Each frame comes two seconds later, so that a client may log in again.
      clock: { nowMs: () => nowMs, monotonicMs: () => (monotonicMs += 2_000), after },
      logger: silentLogger,
    })
    const session = sessionOf()
    for (const frame of framesIn(input)) {
      sasl.peek(frame)
      try {
        await sasl.dispatch(frame, session)
      } catch (error) {
        if (error instanceof Malformed || error instanceof LastAnswer) return
        throw error
      }
      claim(!session.isAuthenticated || logins.has(session.principal.name), 'a login of nobody')
    }
  },
}
