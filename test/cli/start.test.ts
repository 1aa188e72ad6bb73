import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { RawClient } from '../server/raw-client.ts'

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js')

let dir: string
const running: ChildProcess[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'odradek-cli-'))
})
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

interface Run {
  readonly child: ChildProcess
  readonly out: () => string
  readonly err: () => string
  readonly exit: Promise<number | null>
}

function run(args: readonly string[], node: readonly string[] = []): Run {
  const child = spawn(process.execPath, [...node, cli, ...args], { cwd: dir })
  running.push(child)
  const text = { out: '', err: '' }
  child.stdout.on('data', (piece) => {
    text.out += piece
  })
  child.stderr.on('data', (piece) => {
    text.err += piece
  })
  const exit = new Promise<number | null>((done) => child.on('close', (code) => done(code)))
  return { child, out: () => text.out, err: () => text.err, exit }
}

/** Waits for the line that says where it listens; answers the ports in it. */
async function listening({ out, err, exit }: Run): Promise<number[]> {
  await Promise.race([
    expect.poll(out, { timeout: 20_000, interval: 20 }).toContain('cluster '),
    exit.then((code) => expect.fail(`ended with ${code}: ${err()}`)),
  ])
  const line = out().split('\n')[0]!
  expect(line).toMatch(/^odradek listening on /)
  return [...line.matchAll(/[\w.\]]+:(\d+)/g)].map(([, port]) => Number(port))
}

/** One line, no stack, exit code 1. */
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
    // The hint comes in a write of its own.
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
    const created = await client.request(metadata, 12, { topics: [{ name: 'made' }] })
    expect(created.topics[0]!.partitions).toHaveLength(3)
    const { topicId } = created.topics[0]!
    client.close()
    first.child.kill('SIGINT')
    expect(await first.exit).toBe(0)
    const again = run(args)
    const other = await RawClient.open((await listening(again))[0]!)
    const found = await other.request(metadata, 12, { topics: null })
    expect(found.topics.map((topic) => [topic.name, topic.topicId])).toEqual([['made', topicId]])
    other.close()
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
    expect(broker.err()).toContain('SECURE')
    expect(broker.err()).toMatch(/stays closed/)
    for (const port of ports) {
      const client = await RawClient.open(port)
      const { brokers } = await client.request(metadata, 12, { topics: [] })
      // Each listener tells its own clients its own address.
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
  ])('%s is one line', async (args, says, without?: string) => {
    const where = without === undefined ? ['--port', '0'] : []
    expect(await refusal(['start', '--memory', ...where, ...args])).toContain(says)
  })

  test.each([
    [['start', '--port', 'x'], '--port must be a number'],
    [['start', '--memory', '--data', 'd'], 'exclude each other'],
    [['start', '--colour'], "Unknown option '--colour'"],
    [['launch'], 'unknown command "launch"'],
  ])('%s is wrong usage', async (args, says) => {
    const { exit, err } = run(args)
    expect(await exit).toBe(2)
    expect(err()).toContain(says)
    expect(err()).toContain('odradek start [--port N]')
  })
})

/** What Apache Kafka ships for a node that is broker and controller, with listeners more and less. */
function stockProperties(logDirs: string): string {
  return `
process.roles=broker,controller
node.id=7
controller.quorum.voters=7@localhost:9093
listeners=PLAINTEXT://127.0.0.1:0,INTERNAL://127.0.0.1:0,SECURE://127.0.0.1:0,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,SECURE:SSL
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
