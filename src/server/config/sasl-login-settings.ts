import { readFileSync } from 'node:fs'
import { messageOf } from '../../base/error-text.ts'
import type { Random } from '../../base/random.ts'
import { scramMechanisms } from '../../metadata/controller/alter-scram.ts'
import type { LoginModule } from '../../security/jaas.ts'
import type { SaslClient, SaslLogin } from '../../security/sasl/client.ts'
import { OauthBearerClient, type TokenSource } from '../../security/sasl/oauthbearer-client.ts'
import { PlainClient } from '../../security/sasl/plain-client.ts'
import { ScramClient } from '../../security/sasl/scram-client.ts'
import { extensionsOf } from '../../security/sasl/token-extensions.ts'
import { tokenFile } from '../../security/sasl/token-file.ts'
import { unsecuredLogin } from '../../security/sasl/unsecured-login.ts'
import type { ListenerSettings } from './listener-settings.ts'
import { packageName, readLoginModule, type SaslMechanism } from './sasl-settings.ts'
import { BadConfig } from './static-config.ts'

const unsecuredLoginClass = `${packageName}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler`
const loginClass = `${packageName}.oauthbearer.OAuthBearerLoginCallbackHandler`

/** Classes that take the token from the file that the URL names. */
const retrievers: ReadonlySet<string> = new Set(
  ['DefaultJwtRetriever', 'FileJwtRetriever'].map((name) => `${packageName}.oauthbearer.${name}`),
)

export interface LoginRooms {
  readonly random: Random
  readonly nowMs: () => number
}

/** Begins a conversation in which this node shows who it is. */
type Begin = () => SaslClient

/** Reads the credentials of a node at a listener, by mechanism. @throws BadConfig */
const readers: Readonly<
  Record<
    Exclude<SaslMechanism, 'AWS_MSK_IAM'>,
    (module: LoginModule['options'], settings: ListenerSettings, rooms: LoginRooms) => Begin
  >
> = {
  PLAIN(options) {
    const { user, password } = credentialsOf('PLAIN', options)
    return () => new PlainClient(user, password)
  },
  'SCRAM-SHA-256': (options, _, rooms) => scram('SCRAM-SHA-256', options, rooms),
  'SCRAM-SHA-512': (options, _, rooms) => scram('SCRAM-SHA-512', options, rooms),
  OAUTHBEARER(options, settings, { nowMs }) {
    const source = tokenSourceOf(options, settings, nowMs)
    return () => new OauthBearerClient(source)
  },
}

/**
 * Reads how this node logs in at a listener of other nodes.
 *
 * @param mechanismKey the setting of the mechanism, which depends on the kind of listener
 * @throws BadConfig in one line that names the setting.
 */
export function readSaslLogin(
  settings: ListenerSettings,
  mechanismKey: string,
  rooms: LoginRooms,
): SaslLogin {
  const mechanism = settings.text(mechanismKey) ?? ''
  if (!Object.hasOwn(readers, mechanism)) {
    throw new BadConfig(`${mechanismKey}: ${mechanism} is not supported`)
  }
  const known = mechanism as keyof typeof readers
  for (const [key, text] of [
    ['sasl.client.callback.handler.class', settings.text('sasl.client.callback.handler.class')],
    ['sasl.login.class', settings.textOfMechanism(mechanism, 'sasl.login.class')],
  ]) {
    if (text !== null) throw new BadConfig(`${key}: Java classes are not supported`)
  }
  const { options } = readLoginModule(settings, known)
  return { mechanism, begin: readers[known](options, settings, rooms) }
}

function credentialsOf(mechanism: SaslMechanism, options: LoginModule['options']) {
  const of = (name: string) => {
    const text = options.get(name)
    if (text !== undefined) return text
    throw new BadConfig(
      `${mechanism.toLowerCase()}.sasl.jaas.config has no ${name}, with which this node logs in`,
    )
  }
  return { user: of('username'), password: of('password') }
}

function scram(
  mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512',
  options: LoginModule['options'],
  { random }: LoginRooms,
): Begin {
  const code = scramMechanisms[mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512']
  const isToken = options.get('tokenauth')?.toLowerCase() === 'true'
  const credentials = { ...credentialsOf(mechanism, options), mechanism: code, isToken, random }
  return () => new ScramClient(credentials)
}

function tokenSourceOf(
  options: LoginModule['options'],
  settings: ListenerSettings,
  nowMs: () => number,
): TokenSource {
  const handlerKey = 'sasl.login.callback.handler.class'
  const own = settings.ofMechanism('OAUTHBEARER')
  const handler = settings.textOfMechanism('OAUTHBEARER', handlerKey)
  if (handler === null || handler === unsecuredLoginClass) {
    return named('oauthbearer.sasl.jaas.config', () => unsecuredLogin({ options, nowMs }))
  }
  if (handler !== loginClass) {
    throw new BadConfig(`${handlerKey}: the class ${handler} is not supported`)
  }
  const retrieverKey = 'sasl.oauthbearer.jwt.retriever.class'
  const retriever = own.text(retrieverKey)
  if (retriever !== null && !retrievers.has(retriever)) {
    throw new BadConfig(`${retrieverKey}: the class ${retriever} is not supported`)
  }
  const urlKey = 'sasl.oauthbearer.token.endpoint.url'
  const text = own.text(urlKey) ?? ''
  if (!URL.canParse(text) || new URL(text).protocol !== 'file:') {
    throw new BadConfig(
      `${urlKey} must name a file of this machine by file:, no other way to a token is supported`,
    )
  }
  const extensions = named('oauthbearer.sasl.jaas.config', () =>
    extensionsOf(options, 'extension_'),
  )
  return named(urlKey, () =>
    tokenFile({ read: () => readFileSync(new URL(text), 'utf8'), extensions }),
  )
}

/** Names the setting in the error. @throws BadConfig */
function named<T>(key: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new BadConfig(`${key}: ${messageOf(error)}`)
  }
}
