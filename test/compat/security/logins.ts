import { errorName } from '../../../src/protocol/errors.ts'
import { saslHandshake } from '../../../src/protocol/messages/17-sasl-handshake.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/36-sasl-authenticate.ts'
import type { Line } from '../wire/peer.ts'
import { ScramDialogue } from './sasl-client.ts'

/** Logs a connection in by PLAIN. @returns the answer to the last request. */
export async function loginByPlain(line: Line, user: string, password: string): Promise<any> {
  await line.ask(saslHandshake, 1, { mechanism: 'PLAIN' })
  return line.ask(saslAuthenticate, 2, { authBytes: Buffer.from(`\0${user}\0${password}`) })
}

/** How a client logs in by SCRAM. */
export interface ScramLogin {
  readonly name: string
  readonly password: string
  readonly extensions?: string
  readonly hash?: 'sha256' | 'sha512'
}

/** Logs a connection in by SCRAM. @returns the error, the challenge's iterations, and the life. */
export async function loginByScram(line: Line, login: ScramLogin) {
  const { hash = 'sha256', name } = login
  const mechanism = hash === 'sha256' ? 'SCRAM-SHA-256' : 'SCRAM-SHA-512'
  const begun = await line.ask(saslHandshake, 1, { mechanism })
  if (typeof begun === 'string') return { outcome: begun, lifetimeMs: 0 }
  const changes = login.extensions === undefined ? {} : { extensions: login.extensions }
  const dialogue = new ScramDialogue(hash, name, login.password, changes)
  const first = await line.ask(saslAuthenticate, 2, { authBytes: dialogue.first })
  const last =
    typeof first === 'string' || first.errorCode !== 0
      ? first
      : await line.ask(saslAuthenticate, 2, {
          authBytes: dialogue.final(Buffer.from(first.authBytes).toString()),
        })
  if (typeof last === 'string') return { outcome: last, lifetimeMs: 0 }
  const iterations = /i=\d+$/.exec(Buffer.from(first.authBytes).toString())?.[0] ?? 'no challenge'
  const outcome = `${errorName(last.errorCode)} ${last.errorMessage ?? ''} ${iterations}`
  return { outcome, lifetimeMs: Number(last.sessionLifetimeMs) }
}
