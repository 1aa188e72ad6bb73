import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startController } from '../server/controller/listening-controller.ts'
import { freePort } from './free-port.ts'
import { getKafka } from './kafka/jars.ts'
import { startJava } from './kafka/java.ts'
import { javaTools, type Tool } from './kafka/tools.ts'
import { until } from './kafkajs/client.ts'
import type { Running } from './process.ts'

/** Apache Kafka's default session is 9 s; a shorter one keeps the tests short. */
const sessionTimeoutMs = 3000

/** An Apache Kafka broker of a cluster whose controller is odradek. */
class KafkaBroker {
  readonly id: number
  readonly port: number
  readonly #dir: string
  readonly #file: string
  #program: Running | null = null

  constructor(id: number, port: number, controllerPort: number) {
    this.id = id
    this.port = port
    this.#dir = mkdtempSync(join(tmpdir(), `kafka-broker-${id}-`))
    this.#file = join(this.#dir, 'server.properties')
    const properties = {
      ...{ 'process.roles': 'broker', 'node.id': id, 'log.dirs': join(this.#dir, 'data') },
      ...{ listeners: `PLAINTEXT://127.0.0.1:${port}`, 'controller.listener.names': 'CONTROLLER' },
      'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
      'broker.heartbeat.interval.ms': 500,
      'broker.session.timeout.ms': sessionTimeoutMs,
      'offsets.topic.replication.factor': 1,
      'group.initial.rebalance.delay.ms': 0,
    }
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(this.#file, lines.join(''))
  }

  async format(clusterId: string): Promise<void> {
    const args = ['format', '-t', clusterId, '-c', this.#file]
    const program = startJava('kafka.tools.StorageTool', args, { classes: 'server' })
    const { code } = await program.end(60_000)
    if (code !== 0) throw new Error(`kafka-storage format: ${program.describe()}`)
  }

  async start(): Promise<void> {
    this.#program = startJava('kafka.Kafka', [this.#file], { classes: 'server' })
    await this.#program.until(/Kafka Server started/, 60_000)
  }

  /** @returns its output, and the time it took in ms. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<{ output: string; tookMs: number }> {
    const program = this.#program!
    const sinceMs = performance.now()
    const { stdout, stderr } = await program.kill(signal)
    return { output: stdout + stderr, tookMs: performance.now() - sinceMs }
  }

  async close(): Promise<void> {
    await this.#program?.kill('SIGKILL')
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

describe.skipIf(inject('javaMissing') !== null)('Apache Kafka brokers, controller odradek', () => {
  let dataDir = ''
  let controllerPort = 0
  let controller: Awaited<ReturnType<typeof startController>>
  let brokers: KafkaBroker[] = []

  const startOurs = async () => {
    const own = {
      listeners: `PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:${controllerPort}`,
      'broker.session.timeout.ms': String(sessionTimeoutMs),
      'metadata.log.max.record.bytes.between.snapshots': '4000',
    }
    controller = await startController(own, dataDir)
  }
  beforeAll(async () => {
    await getKafka()
    dataDir = mkdtempSync(join(tmpdir(), 'odradek-controller-'))
    controllerPort = await freePort()
    await startOurs()
    const ports = [await freePort(), await freePort()]
    brokers = ports.map((port, i) => new KafkaBroker(i + 1, port, controllerPort))
    for (const broker of brokers) await broker.format(controller.clusterId)
    await Promise.all(brokers.map((broker) => broker.start()))
  })
  afterAll(async () => {
    await Promise.all(brokers.map((broker) => broker.close()))
    await controller?.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  const ask = async (tool: Tool, args: readonly string[], input?: string, from = 0) => {
    const at = ['--bootstrap-server', `127.0.0.1:${brokers[from]!.port}`]
    return (await javaTools()).ask(tool, [...at, ...args], { input })
  }
  const leaders = async (topic: string, from = 0) => {
    const said = await ask('topics', ['--describe', '--topic', topic], undefined, from)
    return [...said.matchAll(/Leader: (\S+)/g)].map(([, leader]) => leader)
  }
  const produce = (topic: string, values: readonly string[], from = 0) =>
    ask('console-producer', ['--topic', topic], `${values.join('\n')}\n`, from)
  const consume = async (topic: string, count: number, from = 0) => {
    const args = ['--topic', topic, '--from-beginning', '--max-messages', String(count)]
    const said = await ask('console-consumer', [...args, '--timeout-ms', '30000'], undefined, from)
    return said.trim().split('\n').toSorted()
  }

  test('join, are described, and serve', async () => {
    const described = await ask('metadata-quorum', ['describe', '--replication'])
    expect(described).toMatch(/^3000\s.*Leader/m)
    expect(described).toMatch(/^1\s.*Observer/m)
    expect(described).toMatch(/^2\s.*Observer/m)
    await ask('topics', ['--create', '--topic', 'first', '--replica-assignment', '1,2'])
    expect(await leaders('first', 1)).toEqual(['1', '2'])
    await produce('first', ['a', 'b', 'c'])
    expect(await consume('first', 3, 1)).toEqual(['a', 'b', 'c'])
    await ask('configs', [
      ...['--alter', '--entity-type', 'topics', '--entity-name', 'first'],
      ...['--add-config', 'retention.ms=100000'],
    ])
    const asked = ['--describe', '--entity-type', 'topics', '--entity-name', 'first']
    expect(await ask('configs', asked, undefined, 1)).toContain('retention.ms=100000')
  })

  test('one that is killed is fenced, and leads again when it is back', async () => {
    await brokers[1]!.stop('SIGKILL')
    await until('the killed broker leads nothing', async () => {
      return (await leaders('first')).join() === '1,none'
    })
    await brokers[1]!.start()
    await until('it leads again', async () => (await leaders('first')).join() === '1,2')
    expect(await consume('first', 3, 1)).toEqual(['a', 'b', 'c'])
  })

  test('one that is stopped hands over, and comes back clean', async () => {
    const { output } = await brokers[1]!.stop('SIGTERM')
    expect(output).not.toMatch(/ERROR/)
    expect(await ask('topics', ['--describe', '--topic', 'first'])).toMatch(/Leader: none.*Elr: 2/)
    await brokers[1]!.start()
    await until('it leads again', async () => (await leaders('first')).join() === '1,2')
  })

  test('all go on when the controller comes back', async () => {
    await controller.close()
    await startOurs()
    await until('topics can be created', async () => {
      const args = ['--create', '--topic', 'second', '--replica-assignment', '1,2']
      const at = ['--bootstrap-server', `127.0.0.1:${brokers[0]!.port}`]
      const { code } = await (await javaTools()).call('topics', [...at, ...args])
      return code === 0
    })
    // The other broker may not know the topic yet.
    const seen = async () => (await leaders('second', 1).catch(() => [])).join()
    await until('both lead', async () => (await seen()) === '1,2')
    await produce('second', ['d', 'e'], 1)
    expect(await consume('second', 2)).toEqual(['d', 'e'])
  })

  test('its log is read by kafka-dump-log', async () => {
    const file = join(dataDir, '__cluster_metadata-0', '00000000000000000000.log')
    const args = ['--cluster-metadata-decoder', '--files', file]
    const { stdout, stderr, code } = await (await javaTools()).call('dump-log', args)
    expect([stderr.trim(), code]).toEqual(['', 0])
    expect(stdout).toMatch(/LeaderChange/)
    expect(stdout).toMatch(/REGISTER_BROKER_RECORD/)
    expect(stdout).not.toMatch(/isvalid: false|Could not decode/)
  })
})
