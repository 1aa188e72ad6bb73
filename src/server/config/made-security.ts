import type { Random } from '../../base/random.ts'
import { type ScramUpsertion, scramMechanisms } from '../../metadata/controller/alter-scram.ts'
import { saltPassword, scramKeys } from '../../security/scram.ts'
import type { MadeCertificate } from '../../security/tls/made-certificates.ts'
import type { PasswordMechanism, Security, SecurityOptions } from '../security-options.ts'

/** One user of a broker in a test, and what proves that it is this user. */
export interface MadeUser {
  readonly name: string
  readonly password: string
  /** Null if clients need no certificate. */
  readonly own: MadeCertificate | null
}

/** The security of a broker in a test: made, not read. */
export interface MadeSecurity {
  readonly protocol: SecurityOptions['protocol']
  readonly mechanism: PasswordMechanism
  /** Broker settings, by Kafka's names. */
  readonly settings: Readonly<Record<string, string>>
  readonly users: readonly MadeUser[]
  /** The certificate of the authority that clients must trust, in PEM; null without TLS. */
  readonly authority: string | null
  /** SCRAM credentials, by mechanism. */
  readonly credentials: readonly (readonly ScramUpsertion[])[]
}

const passwordBytes = 12
const saltBytes = 18
const iterations = 4096
const mechanisms: readonly PasswordMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
const modules = 'org.apache.kafka.common.security'

export const hasTls = (protocol: string) => protocol.endsWith('SSL')
export const hasSasl = (protocol: string) => protocol.startsWith('SASL')

/** A string in a JAAS text. */
export const quoted = (text: string) => `"${text.replace(/[\\"]/g, '\\$&')}"`

/** The options of `security` in full. */
export const securityOptionsOf = (given: Security): SecurityOptions =>
  typeof given === 'string' ? { protocol: given } : given

/**
 * Makes certificates and passwords for the listener of a broker in a test.
 *
 * @param hosts names and addresses by which clients reach it.
 */
export async function makeSecurity(
  given: Security,
  hosts: readonly string[],
  random: Random,
): Promise<MadeSecurity> {
  const { protocol, mechanism = 'PLAIN', clientAuth = 'none', ...more } = securityOptionsOf(given)
  const passwords = more.users ?? { client: random.bytes(passwordBytes).toString('hex') }
  const tls = hasTls(protocol) ? await makeTls(hosts, random) : null
  const users = await Promise.all(
    Object.entries(passwords).map(async ([name, password]) => {
      const own = tls === null || clientAuth === 'none' ? null : await tls.authority.issue(name)
      return { name, password, own }
    }),
  )
  return {
    protocol,
    mechanism,
    users,
    authority: tls?.authority.certificate ?? null,
    settings: {
      'inter.broker.listener.name': protocol,
      ...(tls === null ? {} : { ...tls.settings, 'ssl.client.auth': clientAuth }),
      ...(hasSasl(protocol) ? saslSettings(protocol, users) : {}),
    },
    credentials: hasSasl(protocol)
      ? Object.values(scramMechanisms).map((one) =>
          users.map((user) => credentialOf(user, one, random)),
        )
      : [],
  }
}

async function makeTls(hosts: readonly string[], random: Random) {
  // Loaded only where certificates are made: the package takes some 30 ms.
  const { MadeAuthority } = await import('../../security/tls/made-certificates.ts')
  const authority = await MadeAuthority.make(random)
  const { key, certificate } = await authority.issue('localhost', hosts)
  const settings = {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.key': key,
    'ssl.keystore.certificate.chain': certificate,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': authority.certificate,
  }
  return { authority, settings }
}

function saslSettings(protocol: string, users: readonly MadeUser[]): Record<string, string> {
  const known = users.map(({ name, password }) => `${quoted(`user_${name}`)}=${quoted(password)}`)
  const jaas: Readonly<Record<PasswordMechanism, string>> = {
    PLAIN: `${modules}.plain.PlainLoginModule required ${known.join(' ')};`,
    'SCRAM-SHA-256': `${modules}.scram.ScramLoginModule required;`,
    'SCRAM-SHA-512': `${modules}.scram.ScramLoginModule required;`,
  }
  const prefix = `listener.name.${protocol.toLowerCase()}`
  const perMechanism = mechanisms.map((one) => [
    `${prefix}.${one.toLowerCase()}.sasl.jaas.config`,
    jaas[one],
  ])
  return {
    'sasl.enabled.mechanisms': mechanisms.join(','),
    ...Object.fromEntries(perMechanism),
  }
}

function credentialOf(
  { name, password }: MadeUser,
  mechanism: number,
  random: Random,
): ScramUpsertion {
  const salt = random.bytes(saltBytes)
  const keys = scramKeys(mechanism, saltPassword(mechanism, password, salt, iterations))
  return { name, mechanism, iterations, salt, ...keys, hasPassword: true }
}

/** The login of a Java client. */
export const loginOf = (mechanism: PasswordMechanism, { name, password }: MadeUser): string => {
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
  return `${modules}.${module} required username=${quoted(name)} password=${quoted(password)};`
}
