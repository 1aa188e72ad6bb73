import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { javaTools } from './kafka/tools.ts'
import { until } from './kafkajs/client.ts'
import { byScram, toolArgs } from './security/java-logins.ts'
import { loginByScram } from './security/logins.ts'
import {
  makeStores,
  passwords,
  type Secured,
  type Stores,
  startSecured,
} from './security/secured.ts'
import { giveCredentials, prepareWorld, superUsers } from './security/secured-world.ts'
import { type TargetName, targetName } from './targets.ts'
import { Line } from './wire/peer.ts'

type Hash = 'sha256' | 'sha512'
const passwordOf = (user: string) => (user === 'alice' ? passwords.alice : `${user}-pw`)
const ofUser = (name: string) => ['--entity-type', 'users', '--entity-name', name]

/** A broker on the directory that moves. The `nth` one makes the user `user-n` and its quota. */
class Visit {
  readonly #secured: Secured
  readonly #stores: Stores

  constructor(secured: Secured, stores: Stores) {
    this.#secured = secured
    this.#stores = stores
  }

  async #tool(...[tool, args, options]: Parameters<ToolsAsk>): Promise<string> {
    const at = ['--bootstrap-server', `127.0.0.1:${this.#secured.ports.open}`]
    return (await javaTools()).ask(tool, [...at, ...args], options)
  }

  /** @returns the error of the login, or the topics that the user sees. */
  async #login(name: string, password: string, hash: Hash): Promise<string | string[]> {
    const line = new Line(this.#secured.ports.sasl)
    try {
      const { outcome } = await loginByScram(line, { name, password, hash })
      if (!outcome.startsWith('NONE')) return outcome.split(' ')[0]!
      const { topics } = await line.ask(metadata, 12, { topics: null })
      return topics.map((topic: { name: string }) => topic.name).toSorted()
    } finally {
      line.close()
    }
  }

  /** Resolves when the user can log in and sees these topics; a wrong password is refused. */
  async expectUser(name: string, topics: readonly string[], hash: Hash): Promise<void> {
    let seen: string | string[] = []
    await until(`${name} sees ${topics}`, async () => {
      seen = await this.#login(name, passwordOf(name), hash)
      return String(seen) === String(topics)
    })
    expect(seen).toEqual(topics)
    expect(await this.#login(name, 'wrong', hash)).toBe('SASL_AUTHENTICATION_FAILED')
  }

  async expectRemoved(name: string): Promise<void> {
    await until(`${name} has one credential`, async () => {
      const seen = await this.#login(name, passwordOf(name), 'sha512')
      return seen === 'SASL_AUTHENTICATION_FAILED'
    })
  }

  async make(n: number): Promise<void> {
    const user = `user-${n}`
    await giveCredentials(this.#secured.ports.open, user, passwordOf(user))
    const quota = ['--add-config', `producer_byte_rate=${1_000 + n}`]
    await this.#tool('configs', ['--alter', ...ofUser(user), ...quota])
    const who = ['--add', '--operation', 'Describe', '--allow-principal', `User:${user}`]
    const pattern = ['--topic', 'bob', '--resource-pattern-type', 'prefixed']
    await this.#tool('acls', [...who, ...pattern])
    await this.expectUser(user, ['bobs'], 'sha256')
  }

  async removeCredential(name: string): Promise<void> {
    const change = ['--alter', '--delete-config', 'SCRAM-SHA-512', ...ofUser(name)]
    await this.#tool('configs', change)
    await this.expectRemoved(name)
  }

  async expectQuota(n: number): Promise<void> {
    const told = await this.#tool('configs', ['--describe', ...ofUser(`user-${n}`)])
    expect(told).toContain(
      `Quota configs for user-principal 'user-${n}' are producer_byte_rate=${1_000 + n}.0\n`,
    )
  }

  /** Writes as alice, over TLS and SASL. */
  async write(value: string): Promise<void> {
    await this.#asAlice('console-producer', [], { input: `${value}\n` })
  }

  async expectRecords(values: readonly string[]): Promise<void> {
    const count = ['--from-beginning', '--max-messages', String(values.length)]
    const read = await this.#asAlice('console-consumer', [...count, '--timeout-ms', '30000'])
    expect(read.trim().split('\n')).toEqual(values)
  }

  async #asAlice(...[tool, args, options]: Parameters<ToolsAsk>): Promise<string> {
    const login = byScram(this.#stores, 'alice', passwords.alice)
    const at = toolArgs(this.#stores, login, this.#secured.ports.both)
    return (await javaTools()).ask(tool, [...at, '--topic', 'alices', ...args], options)
  }
}
type ToolsAsk = Awaited<ReturnType<typeof javaTools>>['ask']

describe.skipIf(inject('javaMissing') !== null)('directories with users, ACLs and quotas', () => {
  test('move between both brokers, and are logged into', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'secured-'))
    const log = join(dataDir, '__cluster_metadata-0')
    // A snapshot after each change.
    const settings = { ...superUsers, 'metadata.log.max.record.bytes.between.snapshots': 1 }
    const isInSnapshot = (user: string) =>
      readdirSync(log).some(
        (name) => name.endsWith('.checkpoint') && readFileSync(join(log, name)).includes(user),
      )
    const stores = await makeStores()
    const names: readonly TargetName[] = ['kafka', targetName, 'kafka']
    const written: string[] = []
    try {
      for (const [n, name] of names.entries()) {
        const secured = await startSecured(name, stores, settings, dataDir)
        try {
          if (n === 0) await prepareWorld(secured)
          const visit = new Visit(secured, stores)
          await visit.expectUser('alice', ['alices'], 'sha512')
          for (let before = 0; before < n; before++) {
            await visit.expectUser(`user-${before}`, ['bobs'], 'sha256')
            await visit.expectQuota(before)
            if (before < n - 1) await visit.expectRemoved(`user-${before}`)
          }
          if (n > 0) {
            await visit.expectUser(`user-${n - 1}`, ['bobs'], 'sha512')
            await visit.expectRecords(written)
            await visit.removeCredential(`user-${n - 1}`)
          }
          if (n < names.length - 1) {
            await visit.make(n)
            written.push(`written to ${name}`)
            await visit.write(written.at(-1)!)
            await until('the user is in a snapshot', () => isInSnapshot(`user-${n}`))
          }
          await secured.target.stop()
        } finally {
          await secured.target.close()
        }
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
      stores.close()
    }
    expect(written).toHaveLength(names.length - 1)
  })
})
