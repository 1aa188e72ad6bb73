import { messageOf } from '../base/error-text.ts'
import type { Random } from '../base/random.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { scramMechanisms } from '../metadata/controller/alter-scram.ts'
import { tokenSecretOf } from '../metadata/delegation-tokens.ts'
import { type Image, scramKey } from '../metadata/image.ts'
import { anonymous, type Principal } from '../security/authorizer.ts'
import { tokenCredentials } from '../security/delegation-tokens.ts'
import { parsePrincipalMapping } from '../security/principal-mapping.ts'
import { MskIamServer } from '../security/sasl/msk-iam-server.ts'
import { OauthBearerServer } from '../security/sasl/oauthbearer.ts'
import { PlainServer } from '../security/sasl/plain.ts'
import { type ScramOptions, ScramServer } from '../security/sasl/scram.ts'
import { subjectOf } from '../security/tls/distinguished-name.ts'
import { ListenerSettings } from './config/listener-settings.ts'
import type { ListenerPlan } from './config/listeners.ts'
import { readMskIam } from './config/msk-iam-settings.ts'
import { interBrokerListenerOf } from './config/roles.ts'
import { readSaslSettings, type SaslMechanismSettings } from './config/sasl-settings.ts'
import { BadConfig } from './config/static-config.ts'
import { readTlsSettings } from './config/tls-settings.ts'
import type { AnyDispatcher } from './dispatch.ts'
import { SaslGate, type SaslMechanism } from './sasl-gate.ts'
import type { SharedRooms } from './shared-rooms.ts'
import type { TlsRenewal } from './tls-renewal.ts'
import { TlsTransport } from './tls-transport.ts'
import type { Channel } from './transport.ts'

const principalBuilderClass =
  'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder'

type Hash = ScramOptions['hash']

/** The parts of a node that the security of its listeners needs. */
export interface SecurityServices {
  readonly settings: BrokerSettings
  readonly metadata: { readonly image: Image }
  readonly tlsRenewal: TlsRenewal
}

interface CredentialSource {
  readonly tokenOf: Readonly<Record<Hash, ScramOptions['tokenOf']>>
  readonly image: () => Image
  readonly random: Random
}

/** The parts of a listener that depend on its security protocol. @throws BadConfig */
export async function securityOf(
  { name, protocol }: ListenerPlan,
  { settings, metadata, tlsRenewal }: SecurityServices,
  { transport, clock, logger, random }: SharedRooms,
) {
  const own = new ListenerSettings(settings, name)
  const builder = own.text('principal.builder.class')
  if (builder !== null && builder !== principalBuilderClass) {
    throw new BadConfig(`principal.builder.class: the class ${builder} is not supported`)
  }
  const tls = protocol === 'SSL' || protocol === 'SASL_SSL' ? await readTlsSettings(own) : null
  const secured = tls === null ? null : new TlsTransport(tls, logger)
  if (secured !== null) {
    const isInterBroker = interBrokerListenerOf(settings) === name
    await tlsRenewal.add({ name, transport: secured, isInterBroker })
  }
  const parts = {
    transport: secured ?? transport,
    // A client with SASL is named by its login, whatever certificate it has.
    principalOf: protocol === 'SSL' ? principalsBy(tls!.mappingRules) : () => anonymous,
  }
  if (protocol === 'PLAINTEXT' || protocol === 'SSL') {
    return { ...parts, needsLogin: false, dispatcherOf: (open: AnyDispatcher) => () => open }
  }
  const { nowMs } = clock
  const mskIam = readMskIam(settings, nowMs)
  const read = await readSaslSettings(own, { mskIam, nowMs, logger })
  const mechanisms = saslMechanismsOf(read, credentialSource(settings, metadata, random))
  const failureDelayMs = settings.int('connection.failed.authentication.delay.ms')
  return {
    ...parts,
    needsLogin: true,
    dispatcherOf: (dispatcher: AnyDispatcher) => () =>
      new SaslGate({ dispatcher, mechanisms, failureDelayMs, clock, logger }),
  }
}

function credentialSource(
  settings: BrokerSettings,
  metadata: SecurityServices['metadata'],
  random: Random,
): CredentialSource {
  const image = () => metadata.image
  const secretKey = tokenSecretOf(settings)
  const tokenOf = (hash: Hash) => {
    if (secretKey === null) return () => undefined
    return tokenCredentials({ secretKey, mechanism: scramMechanisms[hash], image, random })
  }
  return { image, random, tokenOf: { sha256: tokenOf('sha256'), sha512: tokenOf('sha512') } }
}

/** Returns the mechanisms of a listener, ready to begin conversations. */
function saslMechanismsOf(
  settings: readonly SaslMechanismSettings[],
  source: CredentialSource,
): ReadonlyMap<string, SaslMechanism> {
  return new Map(
    settings.map((one) => [
      one.mechanism,
      {
        name: one.mechanism,
        reauthMsMax: one.reauthMsMax,
        begin: () => serverOf(one, source),
      },
    ]),
  )
}

function serverOf(
  { mechanism, options, validate, mskIam }: SaslMechanismSettings,
  source: CredentialSource,
) {
  switch (mechanism) {
    case 'PLAIN':
      return new PlainServer((user) => options.get(`user_${user}`))
    case 'OAUTHBEARER':
      return new OauthBearerServer(validate!)
    case 'AWS_MSK_IAM':
      return new MskIamServer(mskIam!, source.random)
    case 'SCRAM-SHA-256':
      return scramServer('sha256', source)
    case 'SCRAM-SHA-512':
      return scramServer('sha512', source)
  }
}

const scramServer = (hash: Hash, { image, random, tokenOf }: CredentialSource) =>
  new ScramServer({
    hash,
    random,
    credentialOf: (user) => image().scram.get(scramKey(user, scramMechanisms[hash])),
    tokenOf: tokenOf[hash],
  })

/**
 * Returns a function from a connection to its client's principal: that of its certificate, by
 * `ssl.principal.mapping.rules`; null if no rule applies.
 */
function principalsBy(mappingRules: string): (channel: Channel) => Principal | null {
  const nameOf = readMapping(mappingRules)
  return ({ peerCertificate }) => {
    if (peerCertificate === null) return anonymous
    const name = nameOf(subjectOf(peerCertificate))
    return name === null ? null : { type: 'User', name }
  }
}

/** @throws BadConfig */
function readMapping(rules: string): ReturnType<typeof parsePrincipalMapping> {
  try {
    return parsePrincipalMapping(rules)
  } catch (error) {
    throw new BadConfig(`ssl.principal.mapping.rules: ${messageOf(error)}`)
  }
}
