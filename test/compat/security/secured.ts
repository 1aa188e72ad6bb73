import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { runWell } from '../process.ts'
import { type Settings, startKafka, startOdradek, type Target } from '../targets.ts'

/** Passwords of the users that the settings name; `admin` is a super user. */
export const passwords = { admin: 'admin-pw', alice: 'alice-pw', bob: 'bob-pw' } as const
export const storePassword = 'store-pw'

const modules = 'org.apache.kafka.common.security'
const users = Object.entries(passwords)
  .map(([user, password]) => `user_${user}="${password}"`)
  .join(' ')
const jaas = {
  plain: `${modules}.plain.PlainLoginModule required ${users};`,
  'scram-sha-256': `${modules}.scram.ScramLoginModule required;`,
  'scram-sha-512': `${modules}.scram.ScramLoginModule required;`,
  oauthbearer: `${modules}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
}

export const listenerNames = ['open', 'tls', 'sasl', 'both', 'short'] as const
export type ListenerName = (typeof listenerNames)[number]

const protocols: Readonly<Record<ListenerName, string>> = {
  open: 'PLAINTEXT',
  tls: 'SSL',
  sasl: 'SASL_PLAINTEXT',
  both: 'SASL_SSL',
  // Sessions of a second and a half.
  short: 'SASL_PLAINTEXT',
}

/** A broker with a listener of each security protocol. */
export interface Secured {
  readonly target: Target
  readonly ports: Readonly<Record<ListenerName, number>>
}

/** Key stores that Java's keytool has made, in a folder that is removed by `close`. */
export class Stores {
  readonly dir = mkdtempSync(join(tmpdir(), 'odradek-stores-'))

  path(name: string): string {
    return join(this.dir, name)
  }

  /** Makes `NAME.p12` with a key, and its certificate `NAME.crt` in PEM. */
  async makeKey(
    name: string,
    subject: string,
    otherNames = 'dns:localhost,ip:127.0.0.1',
  ): Promise<void> {
    const store = ['-keystore', this.path(`${name}.p12`), '-storetype', 'PKCS12']
    const pass = ['-storepass', storePassword]
    const key = ['-keyalg', 'RSA', '-alias', name, '-dname', subject, '-validity', '30']
    const names = ['-ext', `SAN=${otherNames}`]
    await keytool('-genkeypair', ...key, ...names, ...store, ...pass)
    const certificate = ['-rfc', '-alias', name, '-file', this.path(`${name}.crt`)]
    await keytool('-exportcert', ...certificate, ...store, ...pass)
  }

  /** Makes `NAME.pem`, with the key and the certificate of `NAME.p12`. */
  async makePem(name: string): Promise<void> {
    const store = ['-in', this.path(`${name}.p12`), '-passin', `pass:${storePassword}`]
    const args = ['pkcs12', ...store, '-nodes']
    writeFileSync(this.path(`${name}.pem`), await runWell('openssl', args, { timeoutMs: 60_000 }))
  }

  /** Makes a store that trusts the certificates of these keys. */
  async makeTrust(file: string, type: 'PKCS12' | 'JKS', names: readonly string[]): Promise<void> {
    for (const name of names) {
      const from = ['-noprompt', '-alias', name, '-file', this.path(`${name}.crt`)]
      const store = ['-keystore', this.path(file), '-storetype', type, '-storepass', storePassword]
      await keytool('-importcert', ...from, ...store)
    }
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

const keytool = (...args: string[]) => runWell('keytool', args, { timeoutMs: 60_000 })

/** Makes the stores of a broker and of a client `alice`. */
export async function makeStores(): Promise<Stores> {
  const stores = new Stores()
  await stores.makeKey('broker', 'CN=localhost,O=odradek')
  await stores.makeKey('client', 'CN=alice,OU=tests,O=odradek')
  await stores.makeTrust('clients.p12', 'PKCS12', ['client'])
  await stores.makeTrust('brokers.p12', 'PKCS12', ['broker'])
  await stores.makeTrust('brokers.jks', 'JKS', ['broker'])
  return stores
}

const mechanisms = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER'

async function settingsOf(stores: Stores, more: Settings) {
  const ports: Record<string, number> = {}
  for (const name of listenerNames) ports[name] = await freePort()
  const controller = await freePort()
  const all = listenerNames.map((name) => `${name.toUpperCase()}://127.0.0.1:${ports[name]}`)
  const jaasOf = (listener: ListenerName) =>
    Object.entries(jaas).map(([mechanism, text]) => [
      `listener.name.${listener}.${mechanism}.sasl.jaas.config`,
      text,
    ])
  const settings: Settings = {
    listeners: `${all.join(',')},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': all.join(','),
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'listener.security.protocol.map': [...Object.entries(protocols), ['CONTROLLER', 'PLAINTEXT']]
      .map(([name, protocol]) => `${name!.toUpperCase()}:${protocol}`)
      .join(','),
    'inter.broker.listener.name': 'OPEN',
    'ssl.keystore.location': stores.path('broker.p12'),
    'ssl.keystore.password': storePassword,
    'ssl.keystore.type': 'PKCS12',
    'ssl.truststore.location': stores.path('clients.p12'),
    'ssl.truststore.password': storePassword,
    'ssl.truststore.type': 'PKCS12',
    'listener.name.tls.ssl.client.auth': 'requested',
    'listener.name.tls.ssl.principal.mapping.rules': 'RULE:^CN=(.*?),.*$/$1/,DEFAULT',
    'sasl.enabled.mechanisms': mechanisms,
    'listener.name.short.connections.max.reauth.ms': 1_500,
    ...Object.fromEntries((['sasl', 'both', 'short'] as const).flatMap(jaasOf)),
    ...more,
  }
  return { settings, ports: ports as Secured['ports'] }
}

/** Starts one of the two brokers with a listener of each security protocol. */
export async function startSecured(
  name: 'odradek' | 'kafka',
  stores: Stores,
  more: Settings = {},
  dataDir?: string,
): Promise<Secured> {
  const { settings, ports } = await settingsOf(stores, more)
  const options = { settings, port: ports.open, hasFile: true, dataDir }
  const target = await (name === 'kafka' ? startKafka(options) : startOdradek(options))
  return { target, ports }
}
