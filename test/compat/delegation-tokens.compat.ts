import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools, type Tool } from './kafka/tools.ts'
import { until } from './kafkajs/client.ts'
import { byPassword, type JavaLogin, modules, toolArgs, trust } from './security/java-logins.ts'
import { makeStores, type Stores, startSecured, storePassword } from './security/secured.ts'
import { tokenScripts } from './security/token-scripts.ts'
import { type Token, TokenSide, user } from './security/token-side.ts'
import { tokenSettings } from './security/token-users.ts'
import { type TargetName, targetName } from './targets.ts'

const byToken = (stores: Stores, { id, hmac }: Token): JavaLogin => ({
  listener: 'both',
  properties: {
    'security.protocol': 'SASL_SSL',
    ...trust(stores),
    'sasl.mechanism': 'SCRAM-SHA-512',
    'sasl.jaas.config': `${modules}.scram.ScramLoginModule required username="${id}" password="${hmac.toString('base64')}" tokenauth="true";`,
  },
})

const byCertificate = (stores: Stores, isShown: boolean): JavaLogin => ({
  listener: 'tls',
  properties: {
    'security.protocol': 'SSL',
    ...trust(stores),
    ...(isShown && {
      'ssl.keystore.location': stores.path('client.p12'),
      'ssl.keystore.password': storePassword,
      'ssl.keystore.type': 'PKCS12',
    }),
  },
})

const unprotected: JavaLogin = {
  listener: 'open',
  properties: { 'security.protocol': 'PLAINTEXT' },
}

/** Kafka's tools against one broker, and what they say without what only this broker can say. */
class ToolSide {
  readonly #stores: Stores
  readonly #side: TokenSide
  readonly #names: [string, string][] = []

  constructor(stores: Stores, side: TokenSide) {
    this.#stores = stores
    this.#side = side
  }

  async say(login: JavaLogin, tool: Tool, ...args: string[]): Promise<string> {
    const port = this.#side.secured.ports[login.listener]
    const at = toolArgs(this.#stores, login, port)
    const { code, stdout, stderr } = await (await javaTools()).call(tool, [...at, ...args])
    const error = /^\S*Exception: .*/m.exec(stderr + stdout)?.[0]
    this.#side.note(`${args.join(' ')}: ${code} ${error ?? stdout}`)
    return stdout
  }

  /** Creates a token by the tool. */
  async create(login: JavaLogin, ...args: string[]): Promise<Token> {
    const options = ['--create', '--max-life-time-period', '-1', ...args]
    const stdout = await this.say(login, 'delegation-tokens', ...options)
    const id = /with tokenId : (\S+)/.exec(stdout)?.[1]
    expect(id, stdout).toBeDefined()
    const token = await this.#side.found(id!)
    this.#names.push([token.id, token.name], [token.hmac.toString('base64'), 'its HMAC'])
    return token
  }

  takeTranscript(): string[] {
    return this.#side.takeTranscript().map((text) => {
      const named = this.#names.reduce((all, [value, name]) => all.replaceAll(value, name), text)
      return named.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d/g, hoursFromNow)
    })
  }
}

/** The tool prints the minutes of its time zone. */
const hoursFromNow = (date: string) =>
  `in ${Math.round((new Date(date).getTime() - Date.now()) / 3_600_000)} hours`

async function runTools(stores: Stores, side: TokenSide): Promise<string[]> {
  side.takeTranscript()
  const tools = new ToolSide(stores, side)
  const [alice, bob, admin] = (['alice', 'bob', 'admin'] as const).map((name) =>
    byPassword(stores, name),
  ) as [JavaLogin, JavaLogin, JavaLogin]
  const ask = (login: JavaLogin, ...args: string[]) =>
    tools.say(login, 'delegation-tokens', ...args)
  const create = ['--create', '--max-life-time-period', '-1']
  // Only this test's token has the second renewer.
  const renewers = ['bob', 'tool'].flatMap((one) => ['--renewer-principal', `User:${one}`])
  const token = await tools.create(alice, ...renewers)
  await tools.create(admin, '--owner-principal', 'User:alice')
  await tools.create(byCertificate(stores, true))
  await ask(alice, ...create, '--owner-principal', 'User:bob')
  await ask(alice, ...create, '--renewer-principal', 'Group:bob')
  await ask(unprotected, ...create)
  await ask(byCertificate(stores, false), ...create)
  const hmac = ['--hmac', token.hmac.toString('base64')]
  await ask(bob, '--describe', '--owner-principal', 'User:tool')
  await ask(bob, '--renew', '--renew-time-period', '-1', ...hmac)
  await ask(admin, '--renew', '--renew-time-period', '-1', ...hmac)
  await tools.say(byToken(stores, token), 'topics', '--list')
  await ask(byToken(stores, token), ...create)
  await ask(alice, '--expire', '--expiry-time-period', '-1', ...hmac)
  await side.settled(token, true)
  await ask(alice, '--expire', '--expiry-time-period', '-1', ...hmac)
  await tools.say(byToken(stores, token), 'topics', '--list')
  return tools.takeTranscript()
}

describe.skipIf(inject('javaMissing') !== null)('delegation tokens', () => {
  let stores: Stores
  let sides: readonly TokenSide[] = []

  beforeAll(async () => {
    stores = await makeStores()
    const both = await Promise.all([
      startSecured(targetName, stores, tokenSettings),
      startSecured('kafka', stores, tokenSettings),
    ])
    sides = both.map((secured) => new TokenSide(secured))
    await Promise.all(sides.map((side) => side.prepare()))
  }, 180_000)
  afterAll(async () => {
    await Promise.all(sides.map((side) => side.close()))
    stores?.close()
  })

  test.each(tokenScripts)('$title', async ({ run }) => {
    const [ours, theirs] = await Promise.all(
      sides.map(async (side) => {
        side.takeTranscript()
        await run(side)
        return side.takeTranscript()
      }),
    )
    if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(theirs!.join('\n'))
    expect(theirs).not.toEqual([])
    expect(ours).toEqual(theirs)
  })

  test('kafka-delegation-tokens, and a Java client that logs in with a token', async () => {
    const [ours, theirs] = await Promise.all(sides.map((side) => runTools(stores, side)))
    if (process.env.ODRADEK_COMPAT_LOG === '1') console.log(theirs!.join('\n'))
    expect(ours).toEqual(theirs)
    expect(theirs!.filter((line) => line.startsWith('--list'))).toEqual([
      '--list: 0 alices\n',
      expect.stringContaining('SaslAuthenticationException'),
    ])
  })

  test('tokens move with their directory, and are swept', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tokens-'))
    const settings = {
      ...tokenSettings,
      'delegation.token.expiry.check.interval.ms': 1_000,
      // A snapshot after each change.
      'metadata.log.max.record.bytes.between.snapshots': 1,
    }
    const log = join(dataDir, '__cluster_metadata-0')
    const isInSnapshot = ({ id }: Token) =>
      readdirSync(log).some(
        (name) => name.endsWith('.checkpoint') && readFileSync(join(log, name)).includes(id),
      )
    const tokens: Token[] = []
    const names: readonly TargetName[] = ['kafka', targetName, 'kafka']
    try {
      for (const [i, name] of names.entries()) {
        const side = new TokenSide(await startSecured(name, stores, settings, dataDir))
        try {
          if (i === 0) await side.prepare()
          for (const token of tokens) {
            await side.settled(token)
            const { line, outcome } = await side.scram(side.withToken(token, { hash: 'sha512' }))
            expect(outcome).toMatch(/^NONE/)
            side.takeTranscript()
            await side.topics(line)
            expect(side.takeTranscript()).toEqual(['topics: alices'])
            line.close()
            await side.renew(await side.as('bob'), 2, token, 600_000)
          }
          const [made, gone] = [
            await side.created('alice', { renewers: [user('bob')] }),
            await side.created('alice'),
          ]
          await side.expire(await side.as('alice'), 2, gone, -1)
          tokens.push(made)
          const swept = await side.createUnawaited(await side.as('alice'), 3, { maxLifetimeMs: 1 })
          await side.settled(swept!, true)
          await until('the tokens are in a snapshot', () => tokens.every(isInSnapshot))
          await side.secured.target.stop()
        } finally {
          await side.close()
        }
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true })
    }
    expect(tokens).toHaveLength(names.length)
  })
})
