import { createHmac, pbkdf2Sync } from 'node:crypto'
import { expect } from 'vitest'
import {
  aclOperations,
  aclResourceTypes,
  patternTypes,
  permissionTypes,
} from '../../../src/metadata/acls.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { describeAcls } from '../../../src/protocol/messages/29-describe-acls.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { createDelegationToken } from '../../../src/protocol/messages/38-create-delegation-token.ts'
import { renewDelegationToken } from '../../../src/protocol/messages/39-renew-delegation-token.ts'
import { expireDelegationToken } from '../../../src/protocol/messages/40-expire-delegation-token.ts'
import { describeDelegationToken } from '../../../src/protocol/messages/41-describe-delegation-token.ts'
import { alterUserScramCredentials } from '../../../src/protocol/messages/51-alter-user-scram-credentials.ts'
import { until } from '../kafkajs/client.ts'
import { Line } from '../wire/peer.ts'
import { loginByPlain, loginByScram, type ScramLogin } from './logins.ts'
import { type ListenerName, passwords, type Secured } from './secured.ts'
import { expiryLimitMs, password, type Rule, rules, secretKey, stranger } from './token-users.ts'

/** A token as a broker has told of it. */
export interface Token {
  readonly name: string
  readonly id: string
  readonly hmac: Buffer
  readonly issueMs: number
  readonly maxMs: number
  expiryMs: number
}

export const user = (principalName: string, principalType = 'User') => ({
  ...{ principalType, principalName },
})

/** A login by SCRAM, and the listener that it goes to. */
interface ScramLoginAt extends ScramLogin {
  readonly listener?: ListenerName
}

const topicNames = ({ topics }: { topics: readonly { name: string }[] }) =>
  topics.map(({ name }) => name).toSorted()

/** One of the two brokers: its clients, its tokens, and all that was said. */
export class TokenSide {
  readonly secured: Secured
  readonly #lines = new Map<string, Line>()
  readonly #tokens: Token[] = []
  #transcript: string[] = []

  constructor(secured: Secured) {
    this.secured = secured
  }

  /** Gives the broker the users, the topics and the rules that the scripts rely on. */
  async prepare(): Promise<void> {
    const line = this.open()
    const salt = Buffer.from('a salt')
    const upsertions = (['sha256', 'sha512'] as const).flatMap((hash, i) => {
      const length = hash === 'sha256' ? 32 : 64
      const saltedPassword = pbkdf2Sync(passwords.alice, salt, 4096, length, hash)
      return { name: 'alice', mechanism: i + 1, iterations: 4096, salt, saltedPassword }
    })
    for (const one of upsertions) {
      const change = { deletions: [], upsertions: [one] }
      const { results } = await line.ask(alterUserScramCredentials, 0, change)
      expect(results).toMatchObject([{ errorCode: 0 }])
    }
    const topics = ['alices', 'bobs'].map((name) => ({
      ...{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    }))
    await line.ask(createTopics, 7, { topics, timeoutMs: 30_000, validateOnly: false })
    await until('the topics are known', async () => {
      const known = topicNames(await line.ask(metadata, 12, { topics: null }))
      return known.length === topics.length
    })
    await this.allow(rules)
    const asAlice = { name: 'alice', password: passwords.alice }
    await until('alice can log in', async () => {
      const { line: made, outcome } = await this.scram(asAlice)
      made.close()
      return outcome.startsWith('NONE')
    })
  }

  async allow(more: readonly Rule[]): Promise<void> {
    const line = this.open()
    const creations = more.map(({ resourceType, operation, ...rule }) => ({
      ...{ principal: rule.principal, resourceName: rule.resourceName, host: '*' },
      resourceType: aclResourceTypes[resourceType],
      operation: aclOperations[operation],
      resourcePatternType: patternTypes[rule.patternType ?? 'LITERAL'],
      permissionType: permissionTypes[rule.permissionType ?? 'ALLOW'],
    }))
    const everything = {
      ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
      ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
    }
    const known = async () => {
      const { resources } = await line.ask(describeAcls, 3, everything)
      return resources.flatMap(({ acls }: { acls: unknown[] }) => acls).length
    }
    const before = await known()
    await line.ask(createAcls, 3, { creations })
    await until('the rules are known', async () => (await known()) === before + more.length)
  }

  /** A connection to the listener PLAINTEXT, of a super user. */
  open(): Line {
    return this.#kept('open', () => new Line(this.secured.ports.open))
  }

  /** A connection that has logged in by PLAIN. */
  async as(name: string): Promise<Line> {
    if (this.#lines.has(name)) return this.#lines.get(name)!
    const line = this.#kept(name, () => new Line(this.secured.ports.sasl))
    expect(await loginByPlain(line, name, password)).toMatchObject({ errorCode: 0 })
    return line
  }

  /** Logs in by SCRAM. @returns the connection, and what came of the login. */
  async scram(login: ScramLoginAt, on?: Line) {
    const line = on ?? new Line(this.secured.ports[login.listener ?? 'sasl'])
    return { line, ...(await loginByScram(line, login)) }
  }

  withToken(token: Token, more: Partial<ScramLoginAt> = {}): ScramLoginAt {
    const hmac = token.hmac.toString('base64')
    return { name: token.id, password: hmac, extensions: ',tokenauth=true', ...more }
  }

  note(text: string): void {
    this.#transcript.push(text)
  }

  /** @returns all that was noted since the last call. */
  takeTranscript(): string[] {
    return this.#transcript.splice(0)
  }

  /** Asks for a token, and waits until it is known. @returns null if there is none. */
  async create(line: Line, version: number, body: object = {}): Promise<Token | null> {
    const token = await this.createUnawaited(line, version, body)
    if (token !== null) await this.settled(token)
    return token
  }

  async createUnawaited(line: Line, version: number, body: object): Promise<Token | null> {
    const request = {
      ...{ ownerPrincipalType: null, ownerPrincipalName: null, renewers: [], maxLifetimeMs: -1 },
      ...body,
    }
    const asked = `create v${version} ${JSON.stringify(body)}`
    const { answer, isNow } = await timed(() => line.ask(createDelegationToken, version, request))
    if (typeof answer === 'string') {
      this.note(`${asked}: ${answer}`)
      return null
    }
    const { issueTimestampMs, expiryTimestampMs, maxTimestampMs, tokenId, hmac, ...rest } = answer
    const issueMs = Number(issueTimestampMs)
    if (answer.errorCode !== 0) {
      this.note(`${asked}: ${JSON.stringify(answer)}`)
      return null
    }
    const token: Token = {
      ...{ name: `token ${this.#tokens.length}`, id: tokenId, hmac: Buffer.from(hmac), issueMs },
      ...{ expiryMs: Number(expiryTimestampMs), maxMs: Number(maxTimestampMs) },
    }
    const told = {
      ...rest,
      issued: isNow(issueMs, 0) ? 'now' : issueMs,
      expires: `issue + ${token.expiryMs - issueMs}`,
      max: `issue + ${token.maxMs - issueMs}`,
      id: /^[\w-]{22}$/.test(tokenId) ? 'a uuid' : tokenId,
      hmac: token.hmac.equals(hmacOf(tokenId)) ? 'of the secret' : token.hmac.toString('hex'),
    }
    this.note(`${asked}: ${JSON.stringify(told)}`)
    this.#tokens.push(token)
    return token
  }

  /** A token that must exist. */
  async created(owner: string, body: object = {}): Promise<Token> {
    const token = await this.create(await this.as(owner), 3, body)
    expect(token, this.#transcript.at(-1)).not.toBeNull()
    return token!
  }

  /** Waits for a token that a tool has created. */
  async found(id: string): Promise<Token> {
    const admin = await this.as('admin')
    const name = `token ${this.#tokens.length}`
    const tokens: Token[] = []
    await until(`${name} is described`, async () => {
      const answer = await admin.ask(describeDelegationToken, 3, { owners: null })
      for (const one of answer.tokens.filter(({ tokenId }: any) => tokenId === id)) {
        tokens.push({
          ...{ name, id, hmac: Buffer.from(one.hmac), issueMs: Number(one.issueTimestamp) },
          ...{ expiryMs: Number(one.expiryTimestamp), maxMs: Number(one.maxTimestamp) },
        })
      }
      return tokens.length > 0
    })
    const token = tokens[0]!
    this.#tokens.push(token)
    await this.settled(token)
    return token
  }

  async renew(line: Line, version: number, of: Token | Buffer, renewPeriodMs: number) {
    await this.#change(line, version, of, renewPeriodMs, 'renew')
  }

  async expire(line: Line, version: number, of: Token | Buffer, expiryTimePeriodMs: number) {
    await this.#change(line, version, of, expiryTimePeriodMs, 'expire')
  }

  async describe(line: Line, version: number, owners: readonly object[] | null): Promise<void> {
    const asked = `describe v${version} ${JSON.stringify(owners)}`
    const answer = await line.ask(describeDelegationToken, version, { owners })
    if (typeof answer === 'string') return this.note(`${asked}: ${answer}`)
    const tokens = answer.tokens.map((one: any) => this.#described(one)).toSorted()
    this.note(`${asked}: ${JSON.stringify({ ...answer, tokens })}`)
  }

  /** The topics that a client sees. */
  async topics(line: Line): Promise<void> {
    const answer = await line.ask(metadata, 12, { topics: null })
    this.note(`topics: ${typeof answer === 'string' ? answer : topicNames(answer)}`)
  }

  /** Resolves when the broker describes the token with its newest end, and the controller knows it. */
  async settled(token: Token, isRemoved = false): Promise<void> {
    const [admin, other] = [await this.as('admin'), await this.as(stranger)]
    await until(`${token.name} is known`, async () => {
      const { tokens } = await admin.ask(describeDelegationToken, 3, { owners: null })
      const known = tokens.find(({ tokenId }: { tokenId: string }) => tokenId === token.id)
      const isKnown = isRemoved
        ? known === undefined
        : Number(known?.expiryTimestamp) === token.expiryMs
      if (!isKnown) return false
      const isExpired = token.expiryMs < Date.now()
      const expected = isExpired ? 'DELEGATION_TOKEN_EXPIRED' : 'DELEGATION_TOKEN_OWNER_MISMATCH'
      const probe = { hmac: token.hmac, renewPeriodMs: -1 }
      const name = errorName((await other.ask(renewDelegationToken, 2, probe)).errorCode)
      return name === (isRemoved ? 'DELEGATION_TOKEN_NOT_FOUND' : expected)
    })
  }

  /** Resolves when the token's life is over; it is not removed yet. */
  async expired(token: Token): Promise<void> {
    await until(`${token.name} expires`, () => token.expiryMs < Date.now() - 1)
    await this.settled(token)
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) line.close()
    this.#lines.clear()
    await this.secured.target.close()
  }

  async #change(
    line: Line,
    version: number,
    of: Token | Buffer,
    periodMs: number,
    way: 'renew' | 'expire',
  ): Promise<void> {
    const hmac = Buffer.isBuffer(of) ? of : of.hmac
    const api = way === 'renew' ? renewDelegationToken : expireDelegationToken
    const period = way === 'renew' ? 'renewPeriodMs' : 'expiryTimePeriodMs'
    const name = Buffer.isBuffer(of) ? `${of.length} bytes` : of.name
    const asked = `${way} v${version} ${name} by ${periodMs}`
    const { answer, isNow } = await timed(() =>
      line.ask(api, version, { hmac, [period]: periodMs }),
    )
    if (typeof answer === 'string') return this.note(`${asked}: ${answer}`)
    const { expiryTimestampMs, ...rest } = answer
    const endMs = Number(expiryTimestampMs)
    if (Buffer.isBuffer(of) || answer.errorCode !== 0) {
      return this.note(`${asked}: ${JSON.stringify({ ...rest, endMs })}`)
    }
    const near = [0, periodMs, expiryLimitMs].find((afterMs) => isNow(endMs, afterMs))
    const fromNow = near === undefined ? endMs : `now + ${near}`
    const ends = endMs === of.maxMs ? 'at the maximum' : fromNow
    this.note(`${asked}: ${JSON.stringify({ ...rest, ends })}`)
    of.expiryMs = endMs
    await this.settled(of, way === 'expire' && periodMs < 0)
  }

  /** As text; empty for a token that is not of this script. */
  #described(one: any): string {
    const token = this.#tokens.find(({ id }) => id === one.tokenId)
    const told = (value: unknown, known: unknown) => (value === known ? 'as told' : value)
    return JSON.stringify({
      name: token?.name ?? 'unknown',
      ...one,
      tokenId: told(one.tokenId, token?.id),
      issueTimestamp: told(Number(one.issueTimestamp), token?.issueMs),
      expiryTimestamp: told(Number(one.expiryTimestamp), token?.expiryMs),
      maxTimestamp: told(Number(one.maxTimestamp), token?.maxMs),
      hmac: told(Buffer.from(one.hmac).toString('hex'), token?.hmac.toString('hex')),
    })
  }

  #kept(name: string, make: () => Line): Line {
    const line = this.#lines.get(name) ?? make()
    this.#lines.set(name, line)
    return line
  }
}

const hmacOf = (tokenId: string) => createHmac('sha512', secretKey).update(tokenId).digest()

/** Asks, and says which times on the broker's clock are those of the answer. */
async function timed(ask: () => Promise<any>) {
  const beforeMs = Date.now()
  const answer = await ask()
  const afterMs = Date.now()
  const isNow = (timeMs: number, laterMs: number) =>
    timeMs >= beforeMs + laterMs - 1 && timeMs <= afterMs + laterMs + 1
  return { answer, isNow }
}
