import { readFileSync, statSync } from 'node:fs'
import { messageOf } from '../../base/error-text.ts'
import type { Logger } from '../../base/logger.ts'
import { type LoginModule, parseJaas } from '../../security/jaas.ts'
import type { MskIamOptions } from '../../security/sasl/msk-iam.ts'
import type { TokenValidator } from '../../security/sasl/oauthbearer.ts'
import { presignedTokens } from '../../security/sasl/presigned-tokens.ts'
import { unsecuredTokens } from '../../security/sasl/unsecured-tokens.ts'
import type { ListenerSettings, MechanismSettings } from './listener-settings.ts'
import { BadConfig } from './static-config.ts'

export const packageName = 'org.apache.kafka.common.security'
/** The login module of each mechanism that is built; GSSAPI is not. AWS_MSK_IAM needs none. */
const loginModules = {
  PLAIN: `${packageName}.plain.PlainLoginModule`,
  'SCRAM-SHA-256': `${packageName}.scram.ScramLoginModule`,
  'SCRAM-SHA-512': `${packageName}.scram.ScramLoginModule`,
  OAUTHBEARER: `${packageName}.oauthbearer.OAuthBearerLoginModule`,
  AWS_MSK_IAM: 'software.amazon.msk.auth.iam.IAMLoginModule',
} as const
export type SaslMechanism = keyof typeof loginModules

const signedTokensClass = `${packageName}.oauthbearer.OAuthBearerValidatorCallbackHandler`
const unsecuredTokensClass = `${packageName}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`

export interface SaslMechanismSettings {
  readonly mechanism: SaslMechanism
  readonly options: LoginModule['options']
  /** `connections.max.reauth.ms` of the mechanism; 0 for none. */
  readonly reauthMsMax: number
  /** Only of OAUTHBEARER. */
  readonly validate: TokenValidator | null
  /** Only of AWS_MSK_IAM. */
  readonly mskIam: MskIamOptions | null
}

interface SaslContext {
  /** Null if `odradek.msk.iam.enabled` is not set. */
  readonly mskIam: MskIamOptions | null
  readonly nowMs: () => number
  readonly logger: Logger
}

/**
 * Reads the SASL mechanisms of a listener, in their configured order.
 *
 * @throws BadConfig in one line that names the setting.
 */
export async function readSaslSettings(
  settings: ListenerSettings,
  context: SaslContext,
): Promise<SaslMechanismSettings[]> {
  const enabled = settings.list('sasl.enabled.mechanisms')
  if (enabled.length === 0) throw new BadConfig('sasl.enabled.mechanisms names none')
  const all: SaslMechanismSettings[] = []
  for (const name of enabled) {
    if (!(name in loginModules) || (name === 'AWS_MSK_IAM' && context.mskIam === null)) {
      throw new BadConfig(`sasl.enabled.mechanisms: ${name} is not supported`)
    }
    const mechanism = name as SaslMechanism
    const { options } = readLoginModule(settings, mechanism)
    const own = settings.ofMechanism(mechanism)
    const reauthMsMax = own.int('connections.max.reauth.ms')
    const validate = await readValidator(own, mechanism, options, context)
    const mskIam = mechanism === 'AWS_MSK_IAM' ? announced(mechanism, context) : null
    all.push({ mechanism, options, reauthMsMax, validate, mskIam })
  }
  return all
}

/** Reads the login module of a mechanism of a listener. @throws BadConfig */
export function readLoginModule(settings: ListenerSettings, mechanism: SaslMechanism): LoginModule {
  const key = `${mechanism.toLowerCase()}.sasl.jaas.config`
  const text = settings.textOfMechanism(mechanism, 'sasl.jaas.config')
  if (text === null && mechanism === 'AWS_MSK_IAM') {
    return { name: loginModules[mechanism], options: new Map() }
  }
  if (text === null) {
    throw new BadConfig(
      `${mechanism} needs listener.name.<listener>.${key}: a JAAS file of java.security.auth.login.config is not read`,
    )
  }
  const module = parse(key, text)
  if (module.name !== loginModules[mechanism]) {
    throw new BadConfig(`${key}: ${mechanism} needs the module ${loginModules[mechanism]}`)
  }
  return module
}

function parse(key: string, text: string): LoginModule {
  try {
    return parseJaas(text)
  } catch (error) {
    throw new BadConfig(`${key}: ${messageOf(error)}`)
  }
}

/** Returns how requests of MSK's clients are checked, and warns of what is not. */
function announced(mechanism: SaslMechanism, { mskIam, logger }: SaslContext) {
  if (mskIam?.acceptsAny) {
    logger.warn(`${mechanism} accepts requests with any signature: for tests only`)
  }
  return mskIam
}

async function readValidator(
  settings: MechanismSettings,
  mechanism: SaslMechanism,
  options: LoginModule['options'],
  context: SaslContext,
): Promise<TokenValidator | null> {
  const { nowMs, logger } = context
  const handlerKey = 'sasl.server.callback.handler.class'
  const handler = settings.text(handlerKey)
  if (mechanism !== 'OAUTHBEARER') {
    if (handler !== null) throw new BadConfig(`${handlerKey}: Java classes are not supported`)
    return null
  }
  const mskIam = handler === null ? announced(mechanism, context) : null
  if (mskIam !== null) return presignedTokens(mskIam, logger)
  if (handler === null || handler === unsecuredTokensClass) {
    logger.warn('OAUTHBEARER accepts tokens without a signature: for development only')
    try {
      return unsecuredTokens({ options, nowMs })
    } catch (error) {
      throw new BadConfig(`oauthbearer.sasl.jaas.config: ${messageOf(error)}`)
    }
  }
  if (handler !== signedTokensClass) {
    throw new BadConfig(`${handlerKey}: the class ${handler} is not supported`)
  }
  const url = settings.text('sasl.oauthbearer.jwks.endpoint.url')
  if (url === null) throw new BadConfig('sasl.oauthbearer.jwks.endpoint.url must be set')
  // Loaded only where tokens are verified: the package takes some 30 ms.
  const { signedTokens } = await import('../../security/sasl/signed-tokens.ts')
  try {
    return signedTokens({
      jwksUrl: new URL(url),
      readFile: (path) => readFileSync(path, 'utf8'),
      modifiedMs: (path) => statSync(path).mtimeMs,
      refreshMs: settings.int('sasl.oauthbearer.jwks.endpoint.refresh.ms'),
      retryBackoffMs: settings.int('sasl.oauthbearer.jwks.endpoint.retry.backoff.ms'),
      expectedIssuer: settings.text('sasl.oauthbearer.expected.issuer'),
      expectedAudiences: settings.list('sasl.oauthbearer.expected.audience'),
      clockSkewSeconds: settings.int('sasl.oauthbearer.clock.skew.seconds'),
      principalClaim: settings.text('sasl.oauthbearer.sub.claim.name') ?? 'sub',
      nowMs,
      logger,
    })
  } catch (error) {
    throw new BadConfig(`sasl.oauthbearer.jwks.endpoint.url: ${messageOf(error)}`)
  }
}
