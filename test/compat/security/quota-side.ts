import { describeClientQuotas } from '../../../src/protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../../src/protocol/messages/49-alter-client-quotas.ts'
import { freePort } from '../free-port.ts'
import { until } from '../kafkajs/client.ts'
import { type Settings, startKafka, startOdradek, type Target } from '../targets.ts'
import { Line } from '../wire/peer.ts'
import { loginByPlain } from './logins.ts'

/** An entity of a quota: names, and null for the default of a type. */
export interface Entity {
  readonly user?: string | null
  readonly 'client-id'?: string | null
  readonly ip?: string | null
}

export interface Quota {
  readonly entity: Entity
  readonly key: string
  /** Null removes it. */
  readonly value: number | null
}

/** Users who may log in; each has the password `pw`. */
export const users: readonly string[] = Array.from({ length: 200 }, (_, i) => `user${i}`)
const password = 'pw'

const partsOf = (entity: Entity) =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))

/** Names of the listeners that exist only to test limits of connections. */
export type SmallListener = 'few' | 'slow'

/**
 * One broker with its quotas: a listener for anybody, one for users, one with three places (`few`),
 * and one that takes two connections a second (`slow`).
 */
export class QuotaSide {
  readonly target: Target
  readonly port: number
  readonly admin: Line
  readonly ports: Readonly<Record<SmallListener, number>>
  readonly #saslPort: number

  private constructor(target: Target, saslPort: number, ports: QuotaSide['ports']) {
    this.ports = ports
    this.target = target
    this.port = target.port
    this.#saslPort = saslPort
    this.admin = new Line(target.port, 20_000, 'admin')
  }

  static async start(name: 'odradek' | 'kafka', more: Settings = {}): Promise<QuotaSide> {
    const [port, sasl, controller] = [await freePort(), await freePort(), await freePort()]
    const ports = { few: await freePort(), slow: await freePort() }
    const listeners = Object.entries({ PLAINTEXT: port, SASL: sasl, ...ports })
      .map(([listener, at]) => `${listener.toUpperCase()}://127.0.0.1:${at}`)
      .join(',')
    const known = users.map((user) => `user_${user}="${password}"`).join(' ')
    const settings: Settings = {
      listeners: `${listeners},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': listeners,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'listener.security.protocol.map':
        'PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,FEW:PLAINTEXT,SLOW:PLAINTEXT,CONTROLLER:PLAINTEXT',
      'listener.name.few.max.connections': 3,
      'listener.name.slow.max.connection.creation.rate': 2,
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${known};`,
      ...more,
    }
    const options = { settings, port, hasFile: true }
    const target = await (name === 'kafka' ? startKafka(options) : startOdradek(options))
    return new QuotaSide(target, sasl, ports)
  }

  /** Changes quotas, and waits until the broker describes them as changed. */
  async set(quotas: readonly Quota[]): Promise<void> {
    if (quotas.length === 0) return
    const entries = quotas.map(({ entity, key, value }) => ({
      entity: partsOf(entity),
      ops: [{ key, value: value ?? 0, remove: value === null }],
    }))
    const altered = await this.admin.ask(alterClientQuotas, 1, { entries, validateOnly: false })
    for (const { errorCode, errorMessage } of altered.entries) {
      if (errorCode !== 0) throw new Error(`${this.target.name}: ${errorMessage}`)
    }
    for (const quota of quotas) {
      await until('the quota is known', async () => (await this.#valueOf(quota)) === quota.value)
    }
  }

  async #valueOf({ entity, key }: Quota): Promise<number | null> {
    const components = partsOf(entity).map(({ entityType, entityName }) => ({
      entityType,
      matchType: entityName === null ? 1 : 0,
      match: entityName,
    }))
    const { entries } = await this.admin.ask(describeClientQuotas, 1, { components, strict: true })
    const values: { key: string; value: number }[] = entries[0]?.values ?? []
    return values.find((one) => one.key === key)?.value ?? null
  }

  /** A connection of a client; of a user, logged in. */
  async lineOf(user: string | null, clientId: string | null): Promise<Line> {
    if (user === null) return new Line(this.port, 20_000, clientId)
    const line = new Line(this.#saslPort, 20_000, clientId)
    const { errorCode } = await loginByPlain(line, user, password)
    if (errorCode !== 0) throw new Error(`${user} could not log in`)
    return line
  }

  async close(): Promise<void> {
    this.admin.close()
    await this.target.close()
  }
}
