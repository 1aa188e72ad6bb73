import { writeFileSync } from 'node:fs'
import { type ListenerName, passwords, type Stores, storePassword } from './secured.ts'

export const modules = 'org.apache.kafka.common.security'

/** Settings of a Java client, and the listener that it connects to. */
export interface JavaLogin {
  readonly listener: ListenerName
  readonly properties: Readonly<Record<string, string>>
}

export const trust = (stores: Stores) => ({
  'ssl.truststore.location': stores.path('brokers.p12'),
  'ssl.truststore.password': storePassword,
  'ssl.truststore.type': 'PKCS12',
})

export const byPassword = (stores: Stores, name: keyof typeof passwords): JavaLogin => ({
  listener: 'both',
  properties: {
    'security.protocol': 'SASL_SSL',
    ...trust(stores),
    'sasl.mechanism': 'PLAIN',
    'sasl.jaas.config': `${modules}.plain.PlainLoginModule required username="${name}" password="${passwords[name]}";`,
  },
})

export const byScram = (
  stores: Stores,
  name: string,
  password: string,
  listener: 'both' | 'short' = 'both',
): JavaLogin => ({
  listener,
  properties: {
    'security.protocol': listener === 'both' ? 'SASL_SSL' : 'SASL_PLAINTEXT',
    ...trust(stores),
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config': `${modules}.scram.ScramLoginModule required username="${name}" password="${password}";`,
  },
})

/** Arguments of a tool that connects with this login; its settings are in a file of the port. */
export function toolArgs(stores: Stores, login: JavaLogin, port: number): readonly string[] {
  const file = stores.path(`${port}.properties`)
  const lines = Object.entries(login.properties).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(file, lines.join(''))
  return ['--bootstrap-server', `127.0.0.1:${port}`, '--command-config', file]
}
