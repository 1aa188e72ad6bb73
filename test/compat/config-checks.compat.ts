import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { planProcess } from '../../src/server/config/options.ts'
import { compile, startJava } from './kafka/java.ts'

type Settings = Readonly<Record<string, string>>
/** Changes to the stock settings; null removes one. */
type Changes = Readonly<Record<string, string | null>>

/** The necessary part of Kafka's stock server.properties for a broker that is also controller. */
const stock: Settings = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': '1@localhost:9093',
  listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
  'advertised.listeners': 'PLAINTEXT://localhost:9092',
  'inter.broker.listener.name': 'PLAINTEXT',
  'controller.listener.names': 'CONTROLLER',
  'log.dirs': '/tmp/kraft-combined-logs',
}

const cases: readonly Changes[] = [
  {},
  { 'name.of.a.plugin': '1', 'num.partition': '3' },
  { 'super.users': 'User:admin', 'allow.everyone.if.no.acl.found': 'true' },
  { 'node.id': '-1' },
  { 'broker.id': '2' },
  { 'broker.id': '1' },
  { 'process.roles': 'broker,broker' },
  { 'process.roles': 'zookeeper' },
  { 'controller.quorum.voters': '2@localhost:9093' },
  { 'controller.quorum.voters': null },
  { 'controller.quorum.voters': '' },
  { 'controller.quorum.voters': null, 'controller.quorum.bootstrap.servers': 'localhost:9093' },
  { 'controller.quorum.voters': '1@localhost' },
  { 'controller.quorum.voters': 'localhost:9093' },
  { 'controller.listener.names': null },
  { 'controller.listener.names': '' },
  { 'controller.listener.names': 'OTHER' },
  { 'controller.listener.names': 'PLAINTEXT,CONTROLLER' },
  { listeners: 'PLAINTEXT://:9092' },
  { listeners: 'CONTROLLER://:9093', 'advertised.listeners': null },
  { listeners: 'PLAINTEXT://:9092,PLAINTEXT://:9094,CONTROLLER://:9093' },
  { listeners: 'PLAINTEXT://:9092,SSL://:9092,CONTROLLER://:9093' },
  { listeners: 'PLAINTEXT://:9092,CONTROLLER://:9092' },
  { listeners: 'PLAINTEXT://127.0.0.1:9092,SSL://[::1]:9092,CONTROLLER://:9093' },
  { listeners: 'NOBODY://:9092,CONTROLLER://:9093', 'advertised.listeners': null },
  { listeners: 'PLAINTEXT:9092,CONTROLLER://:9093' },
  { listeners: 'PLAINTEXT://:no,CONTROLLER://:9093' },
  { listeners: 'PLAINTEXT://:99999,CONTROLLER://:9093' },
  { listeners: 'PLAINTEXT://[::1]:9092,CONTROLLER://:9093' },
  { listeners: 'plaintext://:9092,controller://:9093' },
  { listeners: null },
  { listeners: '' },
  { 'advertised.listeners': 'OTHER://localhost:9092' },
  { 'advertised.listeners': 'SSL://localhost:9092' },
  { 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' },
  { 'advertised.listeners': 'PLAINTEXT://:9092' },
  { 'advertised.listeners': 'PLAINTEXT://localhost:0' },
  { 'advertised.listeners': 'PLAINTEXT://[::1]:9092' },
  { 'advertised.listeners': 'PLAINTEXT://a:9092,PLAINTEXT://b:9092' },
  { 'advertised.listeners': 'PLAINTEXT://a:9092,CONTROLLER://b:9093' },
  { 'inter.broker.listener.name': 'OTHER' },
  { 'inter.broker.listener.name': 'CONTROLLER' },
  { 'inter.broker.listener.name': null },
  { 'inter.broker.listener.name': null, 'security.inter.broker.protocol': 'SSL' },
  { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
  { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT' },
  { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:NOTHING' },
  { 'listener.security.protocol.map': 'PLAINTEXT,CONTROLLER' },
  { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PLAINTEXT:SSL,CONTROLLER:PLAINTEXT' },
  { 'log.dirs': '' },
  { 'log.dirs': '', 'log.dir': '' },
  { 'log.dirs': null },
  { 'log.dirs': null, 'log.dir': '' },
  { 'log.dirs': null, 'log.dir': '/tmp/a' },
  { 'log.dirs': '', 'log.dir': '/tmp/a' },
  { 'log.dirs': '/tmp/a,' },
  { 'log.dirs': '/tmp/a,/tmp/a' },
  { 'group.consumer.heartbeat.interval.ms': '50000' },
  {
    'group.consumer.heartbeat.interval.ms': '15000',
    'group.consumer.session.timeout.ms': '45000',
    'group.consumer.min.session.timeout.ms': '46000',
  },
  {
    'group.consumer.max.heartbeat.interval.ms': '60000',
    'group.consumer.heartbeat.interval.ms': '50000',
  },
  { 'group.consumer.min.heartbeat.interval.ms': '20000' },
  { 'group.consumer.session.timeout.ms': '70000' },
  { 'group.share.heartbeat.interval.ms': '1000' },
  { 'group.share.session.timeout.ms': '10' },
  { 'group.streams.heartbeat.interval.ms': '1000' },
  { 'group.streams.session.timeout.ms': '10' },
  { 'group.min.session.timeout.ms': '5000', 'group.max.session.timeout.ms': '4000' },
  { 'log.roll.ms': '0' },
  { 'log.roll.hours': '0' },
  { 'log.roll.jitter.ms': '-1' },
  { 'log.retention.ms': '0' },
  { 'log.retention.ms': '-5' },
  { 'log.retention.hours': '-1' },
  { 'log.retention.minutes': '0' },
  { 'log.cleaner.dedupe.buffer.size': '1048576' },
  { 'log.cleaner.dedupe.buffer.size': '2097152', 'log.cleaner.threads': '2' },
  { 'replica.fetch.wait.max.ms': '40000' },
  { 'replica.fetch.wait.max.ms': '30000', 'replica.lag.time.max.ms': '20000' },
  { 'queued.max.request.bytes': '1000' },
  { 'queued.max.request.bytes': '104857600' },
  { 'max.connections.per.ip': '0' },
  { 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': '127.0.0.1:5' },
  { 'max.connections.per.ip.overrides': '127.0.0.1' },
  { 'max.connections.per.ip.overrides': '127.0.0.1:many' },
  { 'max.connections.per.ip.overrides': 'no host:1' },
  { 'max.connections.per.ip.overrides': 'localhost:1, 10.0.0.1:2' },
  { 'connections.max.idle.ms': '100' },
  { 'connections.max.idle.ms': '50' },
  { 'connections.max.idle.ms': '-1' },
  { 'num.partitions': '0' },
  { 'num.partitions': 'many' },
  { 'compression.type': 'rar' },
  { 'log.cleanup.policy': 'delete,rot' },
  { 'log.cleanup.policy': ' delete , compact ' },
  { 'auto.create.topics.enable': 'yes' },
  { 'auto.create.topics.enable': ' TRUE ' },
  { 'log.message.timestamp.type': 'Never' },
  { 'log.segment.bytes': '100' },
  { 'offsets.topic.compression.codec': '9' },
  { 'transaction.state.log.min.isr': '0' },
  { 'sasl.enabled.mechanisms': '' },
  { 'socket.request.max.bytes': '0' },
  { 'min.insync.replicas': '0' },
  { 'metadata.log.dir': '/tmp/m' },
  { 'early.start.listeners': 'CONTROLLER' },
  { 'early.start.listeners': 'NONE' },
]

const of = (changes: Changes): Settings => {
  const all = Object.entries<string | null>({ ...stock, ...changes })
  return Object.fromEntries(all.flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
}

/** Settings that Kafka accepts and odradek refuses: our message, and the reason. */
const meant: readonly RegExp[] = [
  // Kafka refuses such a port when it binds it.
  /"PLAINTEXT:\/\/:99999" is not NAME:\/\/host:port/,
]

function oursOn(settings: Settings): string {
  try {
    planProcess({ properties: settings }, silentLogger)
    return 'ok'
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return `${error.name}: ${error.message}`
  }
}

describe.skipIf(inject('javaMissing') !== null)(
  'settings that a broker refuses to start with',
  () => {
    test('are those of Apache Kafka, in its words where they are checked against each other', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'odradek-config-'))
      try {
        const file = join(folder, 'cases')
        writeFileSync(file, cases.map((one) => JSON.stringify(of(one))).join('\n'))
        const program = startJava('ConfigChecks', [file], {
          classes: 'server',
          extra: [await compile()],
        })
        const { code, stdout, stderr } = await program.finished
        expect(code, stderr).toBe(0)
        const theirs = stdout.trim().split('\n')
        expect(theirs).toHaveLength(cases.length)
        const differences = cases.flatMap((one, i) => {
          const ours = oursOn(of(one))
          const isEqual = (ours === 'ok') === (theirs[i] === 'ok')
          const isMeant = theirs[i] === 'ok' && meant.some((why) => why.test(ours))
          return isEqual || isMeant ? [] : [{ one, ours, theirs: theirs[i] }]
        })
        if (process.env.ODRADEK_COMPAT_LOG === '1') {
          for (const [i, one] of cases.entries()) {
            console.log(JSON.stringify(one), '\n   ', theirs[i], '\n   ', oursOn(of(one)))
          }
        }
        expect(differences).toEqual([])
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  },
)
