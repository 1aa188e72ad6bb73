import {
  hasSasl,
  hasTls,
  loginOf,
  type MadeSecurity,
  type MadeUser,
} from './config/made-security.ts'
import type { ClientSettings } from './security-options.ts'

/** Settings of clients without TLS and SASL. */
export function plainSettings(brokers: readonly string[]): ClientSettings {
  const bootstrap = { 'bootstrap.servers': brokers.join(',') }
  return settingsOf({ brokers: [...brokers] }, bootstrap, bootstrap)
}

/**
 * Settings of clients that log in as this user.
 *
 * @param brokers addresses to begin with: `127.0.0.1:9092`.
 */
export function securedSettings(
  brokers: readonly string[],
  { protocol, mechanism, authority }: MadeSecurity,
  user: MadeUser,
): ClientSettings {
  const { name: username, password, own } = user
  const common = { 'bootstrap.servers': brokers.join(','), 'security.protocol': protocol }
  const [isTls, isSasl] = [hasTls(protocol), hasSasl(protocol)]
  return settingsOf(
    {
      brokers: [...brokers],
      ...(isTls
        ? { ssl: { ca: [authority!], ...(own && { key: own.key, cert: own.certificate }) } }
        : {}),
      ...(isSasl
        ? { sasl: { mechanism: mechanism.toLowerCase() as 'plain', username, password } }
        : {}),
    },
    {
      ...common,
      ...(isTls ? { 'ssl.ca.pem': authority! } : {}),
      ...(own && { 'ssl.key.pem': own.key, 'ssl.certificate.pem': own.certificate }),
      ...(isSasl
        ? { 'sasl.mechanism': mechanism, 'sasl.username': username, 'sasl.password': password }
        : {}),
    },
    {
      ...common,
      ...(isTls ? { 'ssl.truststore.type': 'PEM', 'ssl.truststore.certificates': authority! } : {}),
      ...(own && {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.key': own.key,
        'ssl.keystore.certificate.chain': own.certificate,
      }),
      ...(isSasl
        ? { 'sasl.mechanism': mechanism, 'sasl.jaas.config': loginOf(mechanism, user) }
        : {}),
    },
  )
}

function settingsOf(
  kafkajs: ClientSettings['kafkajs'],
  librdkafka: ClientSettings['librdkafka'],
  java: ClientSettings['java'],
): ClientSettings {
  const lines = Object.entries(java).map(([key, value]) => `${key}=${inProperties(value)}\n`)
  return { kafkajs, librdkafka, java, javaProperties: lines.join('') }
}

/** A value as `java.util.Properties` reads it back. */
const inProperties = (value: string) =>
  value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replace(/^ /, '\\ ')
    .replace(
      /[^\x20-\x7e]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
