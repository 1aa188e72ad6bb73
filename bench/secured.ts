import { writeFileSync } from 'node:fs'
import { createAcls } from '../src/protocol/messages/30-create-acls.ts'
import {
  makeStores,
  type Secured,
  type Stores,
  startSecured,
  storePassword,
} from '../test/compat/security/secured.ts'
import type { Settings } from '../test/compat/targets.ts'
import { RawClient } from '../test/server/raw-client.ts'
import { type Load, runFill } from './fill.ts'
import {
  type Addressed,
  consume,
  createTopic,
  deleteTopic,
  produce,
  type Scenario,
} from './load.ts'
import type { Table } from './report.ts'
import { Sheet } from './sheet.ts'
import { inTurn } from './target.ts'

/** The older build of odradek is left out: it may lack what is measured here. */
const sides = ['odradek', 'kafka'] as const
type SecuredSide = (typeof sides)[number]

export interface SecuredOptions {
  readonly rounds: number
  readonly scenario: Scenario
  readonly say: (line: string) => void
}

/** Measures the cost of TLS, and of an authorizer with a thousand ACLs. */
export async function measureSecured(options: SecuredOptions): Promise<Table[]> {
  const stores = await makeStores()
  try {
    return [await measureTls(stores, options), await measureAcls(stores, options)]
  } finally {
    stores.close()
  }
}

async function measureTls(stores: Stores, { rounds, scenario, say }: SecuredOptions) {
  const commandConfig = stores.path('tls.properties')
  const trust = {
    'security.protocol': 'SSL',
    'ssl.truststore.location': stores.path('brokers.p12'),
    'ssl.truststore.password': storePassword,
    'ssl.truststore.type': 'PKCS12',
  }
  const lines = Object.entries(trust).map(([key, value]) => `${key}=${value}\n`)
  writeFileSync(commandConfig, lines.join(''))
  const sheet = new Sheet()
  await onBoth(stores, {}, rounds, async (side, { target, ports }, round) => {
    say(`tls ${round}/${rounds}: ${side}`)
    const topic = `tls-${round}`
    await createTopic(target, topic, scenario.partitions)
    const { pid, bootstrap } = target
    const routes: Record<string, Addressed> = {
      plaintext: { pid, bootstrap },
      TLS: { pid, bootstrap: `127.0.0.1:${ports.tls}`, commandConfig },
    }
    const { records, lingerMs } = scenario
    const pace = { records, recordsPerSecond: -1, warmupRecords: 0, lingerMs }
    for (const [route, address] of Object.entries(routes)) {
      const sent = await produce(address, topic, scenario, pace)
      const read = await consume(address, topic, scenario)
      if (round === 0) continue
      sheet.note(side, `${route}, produce, records`, '1/s', sent.recordsPerSecond)
      sheet.noteCpu(side, `${route}, produce`, sent.cpu)
      sheet.note(side, `${route}, consume, records`, '1/s', read.recordsPerSecond)
      sheet.noteCpu(side, `${route}, consume`, read.cpu)
    }
    await deleteTopic(target, topic)
  })
  const { records, recordBytes, partitions } = scenario
  const count = records.toLocaleString('en')
  return sheet.table(`TLS: ${count} records of ${recordBytes} B, ${partitions} partitions`)
}

const aclCount = 1_000
const aclsPerRequest = 100
const authorizer = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'allow.everyone.if.no.acl.found': true,
}
const singles: Load = {
  ...{ batchBytes: 1024, connections: 16, requestsInFlight: 1, bytes: 1e8 },
  mark: '16 connections',
}

async function measureAcls(stores: Stores, { rounds, say }: SecuredOptions): Promise<Table> {
  const sheet = new Sheet()
  for (const count of [0, aclCount]) {
    const settings = count === 0 ? {} : authorizer
    const mark = count === 0 ? 'no authorizer' : `${count.toLocaleString('en')} ACLs`
    await onBoth(stores, settings, rounds, async (side, { target }, round) => {
      say(`${mark} ${round}/${rounds}: ${side}`)
      if (round === 0 && count > 0) await addAcls(target.port, count)
      const { seconds, cpu, latenciesMs } = await runFill(target, singles, round)
      if (round === 0) return
      sheet.note(side, `${mark}, requests`, '1/s', latenciesMs.length / seconds)
      const perCpu = `${mark}, requests for a second of broker CPU`
      sheet.note(side, perCpu, '', latenciesMs.length / cpu)
    })
  }
  return sheet.table('Produce requests of 1 KB, one in flight on each of 16 connections')
}

/** ACL resource, pattern and permission codes of the protocol. */
const [topicResource, literal, prefixed, allOperations, write, allow] = [2, 3, 4, 2, 4, 3]

/**
 * Adds ACLs: one admits the client by the prefix of its topics, a tenth are of other users on the
 * same prefix, the others of other topics, half of them prefixed.
 */
async function addAcls(port: number, count: number): Promise<void> {
  const aclOf = (i: number) => ({
    resourceType: topicResource,
    resourceName: i % 10 === 0 ? 'fill-' : `orders-${i}`,
    resourcePatternType: i % 2 === 0 ? prefixed : literal,
    principal: i === 0 ? 'User:ANONYMOUS' : `User:user-${i}`,
    host: '*',
    operation: i === 0 ? allOperations : write,
    permissionType: allow,
  })
  const client = await RawClient.open(port)
  for (let i = 0; i < count; i += aclsPerRequest) {
    const creations = Array.from({ length: aclsPerRequest }, (_, j) => aclOf(i + j))
    const { results } = await client.request(createAcls, 3, { creations })
    const refused = results.find(({ errorCode }) => errorCode !== 0)
    if (refused !== undefined) throw new Error(`CreateAcls: ${refused.errorMessage}`)
  }
  client.close()
}

/** Starts both brokers and calls `measure` with each in turn; round 0 warms up. */
async function onBoth(
  stores: Stores,
  settings: Settings,
  rounds: number,
  measure: (side: SecuredSide, secured: Secured, round: number) => Promise<void>,
): Promise<void> {
  const started = new Map<SecuredSide, Secured>()
  try {
    for (const side of sides) started.set(side, await startSecured(side, stores, settings))
    for (let round = 0; round <= rounds; round++) {
      for (const side of inTurn(sides, round)) await measure(side, started.get(side)!, round)
    }
  } finally {
    for (const { target } of started.values()) await target.close()
  }
}
