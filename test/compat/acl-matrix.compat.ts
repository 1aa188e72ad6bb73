import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { saslHandshake } from '../../src/protocol/messages/17-sasl-handshake.ts'
import { describeAcls } from '../../src/protocol/messages/29-describe-acls.ts'
import { createAcls } from '../../src/protocol/messages/30-create-acls.ts'
import { saslAuthenticate } from '../../src/protocol/messages/36-sasl-authenticate.ts'
import { messages } from '../../src/protocol/messages/index.ts'
import { until } from './kafkajs/client.ts'
import { type AclUser, aclUsers, nobody } from './security/acl-users.ts'
import { makeStores, type Secured, type Stores, startSecured } from './security/secured.ts'
import { targetName } from './targets.ts'
import { Line, Peer } from './wire/peer.ts'
import { prepare, sweeps } from './wire/sweep.ts'

const plainModule = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const password = 'pw'
const settings = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
  'listener.name.sasl.plain.sasl.jaas.config': `${plainModule} required ${aclUsers
    .map(({ name }) => `user_${name}="${password}"`)
    .join(' ')};`,
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 4,
  'share.coordinator.state.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'log.retention.ms': -1,
}

/** A connection that has logged in. */
async function lineOf({ name }: AclUser, { ports }: Secured): Promise<Line> {
  const line = new Line(ports.sasl)
  await line.ask(saslHandshake, 1, { mechanism: 'PLAIN' })
  const authBytes = Buffer.from(`\0${name}\0${password}`)
  const { errorCode } = await line.ask(saslAuthenticate, 2, { authBytes })
  expect(errorCode).toBe(0)
  return line
}

async function addRules({ ports }: Secured): Promise<void> {
  const line = new Line(ports.open)
  const creations = aclUsers.flatMap(({ name, rules }) =>
    rules.map((rule) => ({ ...rule, principal: `User:${name}` })),
  )
  const unique = new Set(creations.map((one) => JSON.stringify(one))).size
  await line.ask(createAcls, 3, { creations })
  const everything = {
    ...{ resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1 },
    ...{ principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 },
  }
  const known = async () => {
    const { resources } = await line.ask(describeAcls, 3, everything)
    return resources.flatMap(({ acls }: { acls: unknown[] }) => acls).length
  }
  await until('the entries are known', async () => (await known()) === unique)
  line.close()
}

/** The side of one broker: its super user, and a connection for each user. */
class Side {
  readonly #secured: Secured
  readonly #lines = new Map<string, Line>()

  constructor(secured: Secured) {
    this.#secured = secured
  }

  /** Asks one request as each of the users. @returns the answers by user. */
  async ask(sweep: (typeof sweeps)[number], version: number, users: readonly AclUser[]) {
    const api = messages.find(({ key }) => key === sweep.key)!
    const peer = new Peer(this.#secured.target, { isInOrder: sweep.isInAnyOrder !== true })
    await prepare(peer)
    const answers: Record<string, unknown> = {}
    for (const [n, user] of users.entries()) {
      const body = await sweep.base(peer, version, n)
      const line = this.#lines.get(user.name) ?? (await lineOf(user, this.#secured))
      const answer = await line.ask(api, version, body)
      if (typeof answer === 'string') this.#lines.delete(user.name)
      else this.#lines.set(user.name, line)
      answers[user.name] = plain(peer.names.plain(answer), this.#secured.ports.sasl)
    }
    peer.close()
    return answers
  }

  async close(): Promise<void> {
    for (const line of this.#lines.values()) line.close()
    await this.#secured.target.close()
  }
}

/** Kafka's text of a denied cluster operation has its request object in it. */
const deniedText = /^Request Request\(.*\) needs \w+ permission\.$/s

const sorted = (values: readonly unknown[]) =>
  values.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

function plain(answer: unknown, port: number): unknown {
  const text = JSON.stringify(answer, (key, value) => {
    if (key === 'port' && value === port) return 'PORT'
    // Kafka lists groups in the order of a hash map.
    if (key === 'groups' && Array.isArray(value)) return sorted(value)
    // Members are numbered as they come to be known, and not all are on both brokers.
    if (key === 'memberId' && typeof value === 'string') return value.replace(/#\d+/, '')
    if (key !== 'errorMessage' || typeof value !== 'string') return value
    return value.replace(deniedText, 'Cluster authorization failed.')
  })
  return JSON.parse(text)
}

/** Requests of brokers, which clients may send as well. */
const ofFollowers = sweeps
  .filter(({ key }) => key === 1 || key === 23)
  .map((sweep) => ({
    ...sweep,
    base: async (...given: Parameters<typeof sweep.base>) => ({
      ...(await sweep.base(...given)),
      ...{ replicaId: 1, replicaState: { replicaId: 1, replicaEpoch: -1 } },
    }),
  }))

/** A copy of a request in which no topic, group or transactional id is one that exists. */
function absent(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('sweep') ? `${value}.absent` : value
  if (Array.isArray(value)) return value.map(absent)
  if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value
  return Object.fromEntries(Object.entries(value).map(([field, one]) => [field, absent(one)]))
}

/** Whether a resource exists must not show where there is no right to know it. */
const ofAbsent = sweeps.map((sweep) => ({
  ...sweep,
  base: async (...given: Parameters<typeof sweep.base>) =>
    absent(await sweep.base(...given)) as object,
}))
const withoutOrOne = aclUsers.filter(({ name }) => name === 'nobody' || name.startsWith('only-'))

/** Refused for its renewer, before anything that a right could allow. */
const forRenewers = sweeps
  .filter(({ key }) => key === 38)
  .map((sweep) => ({
    ...sweep,
    base: async (...given: Parameters<typeof sweep.base>) => ({
      ...(await sweep.base(...given)),
      ...{ ownerPrincipalType: null, ownerPrincipalName: null },
      renewers: [{ principalType: 'Group', principalName: 'b' }],
    }),
  }))

const all = [...sweeps, ...ofFollowers, ...forRenewers]
const cases = all.flatMap((sweep, i) => {
  const api = messages.find(({ key }) => key === sweep.key)!
  const again = all.findIndex(({ key }) => key === sweep.key) === i ? '' : ', again'
  const [first, last] = [api.versions[0], api.stableMax]
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const version = first + at
    // All users ask in the oldest and the newest version; in the others, only whoever has no right.
    const users = version === first || version === last ? aclUsers : [nobody]
    return [`${api.name} v${version}${again}`, { sweep, version, users }] as const
  })
})
const absentCases = ofAbsent.map((sweep) => {
  const api = messages.find(({ key }) => key === sweep.key)!
  const version = api.stableMax
  const title = `${api.name} v${version} of what does not exist`
  return [title, { sweep, version, users: withoutOrOne }] as const
})

describe.skipIf(inject('javaMissing') !== null)('who may do what', () => {
  let stores: Stores
  let sides: readonly Side[] = []

  beforeAll(async () => {
    stores = await makeStores()
    const both = await Promise.all([
      startSecured(targetName, stores, settings),
      startSecured('kafka', stores, settings),
    ])
    sides = both.map((secured) => new Side(secured))
    await Promise.all(both.map(addRules))
  }, 180_000)
  afterAll(async () => {
    await Promise.all(sides.map((side) => side.close()))
    stores?.close()
  })

  test.each([...cases, ...absentCases])('%s', async (_, { sweep, version, users }) => {
    const [ours, theirs] = await Promise.all(sides.map((side) => side.ask(sweep, version, users)))
    const differing = users
      .map(({ name }) => ({ user: name, ours: ours![name], theirs: theirs![name] }))
      .filter((one) => JSON.stringify(one.ours) !== JSON.stringify(one.theirs))
    if (process.env.ODRADEK_COMPAT_LOG === '1') {
      for (const { user, ...both } of differing) {
        console.log(user, '\n  ', JSON.stringify(both.ours), '\n  ', JSON.stringify(both.theirs))
      }
    }
    expect(differing).toEqual([])
  })
})
