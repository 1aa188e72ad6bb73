import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { RawClient } from '../server/raw-client.ts'
import { Command, listening } from './command.ts'

let dir: string
let command: Command
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
  command = new Command(dir)
})
afterEach(() => {
  command.kill()
  rmSync(dir, { recursive: true, force: true })
})

const run = (args: readonly string[], node: readonly string[] = []) => command.run(args, node)

/** Expects one line, no stack trace and exit code 1. */
async function refusal(args: readonly string[]): Promise<string> {
  const { exit, err } = run(args)
  expect(await exit).toBe(1)
  expect(err().trim().split('\n')).toHaveLength(1)
  return err().trim()
}

describe('odradek start', () => {
  test('listens on a free port, says so and how to produce, and stops in order', async () => {
    const broker = run(['start', '--port', '0'])
    const [port] = await listening(broker)
    // The hint is a separate write.
    await expect.poll(broker.out).toContain(`kcat -P -b 127.0.0.1:${port}`)
    expect(broker.out()).toContain(join(dir, 'odradek-data'))
    broker.child.kill('SIGTERM')
    expect(await broker.exit).toBe(0)
  })

  test('starts several brokers, each on its port and in its directory', async () => {
    const data = join(dir, 'three')
    const broker = run(['start', '--port', '0', '--brokers', '3', '--data', data])
    const ports = await listening(broker)
    expect(new Set(ports).size).toBe(3)
    expect(broker.out()).toContain('nodes 1, 2, 3')
    const client = await RawClient.open(ports[2]!)
    const { brokers } = await client.request(metadata, 12, { topics: [] })
    expect(brokers.map(({ port }) => port)).toEqual(ports)
    client.close()
    broker.child.kill('SIGTERM')
    expect(await broker.exit).toBe(0)
    expect(await refusal(['start', '--port', '0', '--data', data])).toContain('several brokers')
    const wrong = run(['start', '--brokers', 'many'])
    expect(await wrong.exit).toBe(2)
  })

  test('takes Kafka settings, warns of what is not built, keeps its data over a restart', async () => {
    const args = ['start', '--port', '0', '--data', join(dir, 'd'), '--set', 'num.partitions=3']
    const first = run([...args, '--set', 'log.preallocate=true'])
    const client = await RawClient.open((await listening(first))[0]!)
    expect(first.err()).toContain('the setting log.preallocate has no effect yet')
    const ask = async () =>
      (await client.request(metadata, 12, { topics: [{ name: 'made' }] })).topics[0]!
    await expect.poll(async () => (await ask()).partitions).toHaveLength(3)
    const { topicId } = await ask()
    client.close()
    first.child.kill('SIGINT')
    expect(await first.exit).toBe(0)
    const again = run(args)
    const other = await RawClient.open((await listening(again))[0]!)
    const found = await other.request(metadata, 12, { topics: null })
    expect(found.topics.map((topic) => [topic.name, topic.topicId])).toEqual([['made', topicId]])
    other.close()
  })

  test('a listener whose security is incomplete is refused in a line', async () => {
    const start = (protocol: string, ...more: string[]) =>
      refusal([
        ...['start', '--memory', '--set', 'listeners=SECURE://127.0.0.1:0'],
        ...['--set', `listener.security.protocol.map=SECURE:${protocol}`],
        ...more.flatMap((setting) => ['--set', setting]),
      ])
    expect(await start('SSL')).toContain('ssl.keystore.location')
    expect(await start('SASL_PLAINTEXT')).toContain('GSSAPI is not supported')
    expect(await start('SASL_PLAINTEXT', 'sasl.enabled.mechanisms=PLAIN')).toContain(
      'plain.sasl.jaas.config',
    )
  })

  test('a second signal stops at once', async () => {
    const broker = run(['start', '--port', '0', '--memory'])
    await listening(broker)
    broker.child.kill('SIGSTOP')
    broker.child.kill('SIGTERM')
    broker.child.kill('SIGINT')
    broker.child.kill('SIGCONT')
    expect([0, 130]).toContain(await broker.exit)
  })

  test('a stock KRaft server.properties works as it stands', async () => {
    const file = join(dir, 'server.properties')
    writeFileSync(file, stockProperties(join(dir, 'logs')))
    const broker = run(['start', '--config', file])
    const ports = await listening(broker)
    expect(ports).toHaveLength(2)
    for (const port of ports) {
      const client = await RawClient.open(port)
      const { brokers } = await client.request(metadata, 12, { topics: [] })
      // The clients of each listener get the address of that listener.
      expect(brokers.map((one) => [one.nodeId, one.port])).toEqual([[7, port]])
      client.close()
    }
  })

  test('localhost is reached by both families', async () => {
    const broker = run(['start', '--host', 'localhost', '--port', '0', '--memory'])
    const [port] = await listening(broker)
    for (const host of ['127.0.0.1', '::1']) {
      const client = await RawClient.open(port!, host)
      expect((await client.request(metadata, 1, { topics: [] })).brokers[0]!.host).toBe('localhost')
      client.close()
    }
  })

  test('on all addresses each client is told the one that it came by', async () => {
    const broker = run(['start', '--host', '0.0.0.0', '--port', '0', '--memory'])
    const [port] = await listening(broker)
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      const client = await RawClient.open(port!, host)
      expect((await client.request(metadata, 1, { topics: [] })).brokers[0]!.host).toBe(host)
      client.close()
    }
  })

  test('a port in use is one line', async () => {
    const taken = createServer()
    await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done))
    const { port } = taken.address() as { port: number }
    const line = await refusal(['start', '--port', String(port), '--memory'])
    expect(line).toContain(`cannot listen on 127.0.0.1:${port}`)
    expect(line).toContain('already in use')
    taken.close()
  })

  test('a directory that another broker has is one line', async () => {
    const args = ['start', '--port', '0', '--data', join(dir, 'd')]
    await listening(run(args))
    expect(await refusal(args)).toContain(`${join(dir, 'd')} is in use by process`)
  })

  test('a directory that cannot be made is one line', async () => {
    writeFileSync(join(dir, 'file'), '')
    const line = await refusal(['start', '--port', '0', '--data', join(dir, 'file', 'd')])
    expect(line).toContain(join(dir, 'file', 'd'))
  })

  test.runIf(process.platform === 'linux')('a directory that nobody can make', async () => {
    const line = await refusal(['start', '--port', '0', '--data', '/proc/odradek'])
    expect(line).toContain('/proc/odradek')
  })

  test('of a file, names that Kafka does not know are ignored with a warning', async () => {
    const file = join(dir, 'field.properties')
    writeFileSync(file, 'num.partition=5\nsome.plugin.class=x\nsuper.users=User:a\n')
    const broker = run(['start', '--port', '0', '--memory', '--config', file])
    await listening(broker)
    const warnings = broker
      .err()
      .split('\n')
      .filter((line) => line.includes(' WARN '))
    expect(warnings).toEqual([
      expect.stringMatching(
        /num\.partition is not known and ignored; did you mean num\.partitions\?/,
      ),
      expect.stringMatching(/some\.plugin\.class is not known and ignored/),
    ])
  })

  test('what is advertised is kept with --port and --host, and said beside what is bound', async () => {
    const file = join(dir, 'container.properties')
    writeFileSync(file, 'advertised.listeners=PLAINTEXT://broker.example:19092\n')
    for (const more of [[], ['--host', '0.0.0.0'], ['--host', '::1']]) {
      const args = ['start', '--port', '0', '--memory', '--config', file, ...more]
      const broker = run(args)
      await listening(broker)
      const bound = more[1] === '::1' ? '[::1]' : '127.0.0.1'
      const [, port] = /listening on \S+:(\d+) \(advertised as broker\.example:19092\)/.exec(
        broker.out(),
      )!
      expect(broker.out()).toContain(`listening on ${bound}:${port} `)
      // The hint is a separate write.
      await expect.poll(broker.out).toContain(`kcat -P -b ${bound}:${port} `)
      const client = await RawClient.open(Number(port), bound.replace(/[[\]]/g, ''))
      const { brokers } = await client.request(metadata, 1, { topics: [] })
      expect(brokers[0]).toMatchObject({ host: 'broker.example', port: 19092 })
      client.close()
    }
  })

  test('a directory of another node is one line', async () => {
    mkdirSync(join(dir, 'd'))
    writeFileSync(join(dir, 'd', 'meta.properties'), 'version=1\nnode.id=5\ncluster.id=abc\n')
    const line = await refusal(['start', '--port', '0', '--data', join(dir, 'd')])
    expect(line).toContain('belongs to node 5')
  })

  test.each([
    [['--set', 'num.partition=3'], 'did you mean num.partitions?'],
    [['--set', 'num.partitions=many'], 'num.partitions: Not a number of type INT'],
    [['--set', 'num.partitions=0'], 'num.partitions: Value must be at least 1'],
    [['--set', 'compression.type=rar'], 'compression.type'],
    [['--set', 'listeners=PLAINTEXT:9092'], 'listeners: "PLAINTEXT:9092"', 'no port'],
    [['--config', 'missing.properties'], 'missing.properties'],
    [['--set', 'listeners=SSL://127.0.0.1:0'], 'ssl.keystore.location', 'no port'],
    [['--set', 'principal.builder.class=a.B'], 'the class a.B is not supported'],
    [['--set', 'authorizer.class.name=a.B'], 'the class a.B is not supported'],
    [['--set', 'client.quota.callback.class=a.B'], 'the class a.B is not supported'],
    [['--set', 'process.roles=broker,controller'], 'node.id'],
    [['--set', 'process.roles=broker', '--set', 'node.id=1'], 'parseable set of controllers'],
    [
      [
        '--set',
        'controller.quorum.voters=1@a:1,2@b:2,3@c:3',
        '--set',
        'process.roles=broker,controller',
        '--set',
        'node.id=1',
      ],
      'names 3 controllers',
    ],
    [['--brokers', '3', '--set', 'node.id=7'], 'node.id cannot be set for 3 brokers'],
  ])('%s is one line', async (args, says, without?: string) => {
    const where = without === undefined ? ['--port', '0'] : []
    expect(await refusal(['start', '--memory', ...where, ...args])).toContain(says)
  })

  test.each([
    [['start', '--port', 'x'], '--port must be a number'],
    [['start', '--memory', '--data', 'd'], 'exclude each other'],
    [['start', '--colour'], "Unknown option '--colour'"],
    [['start', '--data', ''], '--data must name a directory'],
    [['launch'], 'unknown command "launch"'],
  ])('%s is wrong usage', async (args, says) => {
    const { exit, err } = run(args)
    expect(await exit).toBe(2)
    expect(err()).toContain(says)
    expect(err().trim().split('\n')).toEqual([
      expect.stringContaining('odradek: '),
      'See: odradek --help',
    ])
  })
})

/**
 * Apache Kafka's stock settings for a broker that is also controller, with several sets of
 * listeners.
 */
function stockProperties(logDirs: string): string {
  return `
process.roles=broker,controller
node.id=7
controller.quorum.voters=7@localhost:9093
listeners=PLAINTEXT://127.0.0.1:0,INTERNAL://127.0.0.1:0,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=${logDirs}
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`
}
