import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools, type Tool } from './kafka/tools.ts'
import { until } from './kafkajs/client.ts'
import { startBroker, startKafka, type Target, targetName } from './targets.ts'

/**
 * The same sequence of admin commands to odradek and to Apache Kafka: the tools must print the
 * same, except for ids, times, ports and paths.
 */
describe.skipIf(inject('javaMissing') !== null)(`Kafka's admin tools on ${targetName}`, () => {
  let ours: Target
  let theirs: Target
  let dir: string
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'odradek-admin-'))
    ;[ours, theirs] = await Promise.all([startBroker(), startKafka()])
  })
  afterAll(async () => {
    await Promise.all([ours?.close(), theirs?.close()])
    rmSync(dir, { recursive: true, force: true })
  })

  /** Replaces everything in a tool's output that differs between any two brokers. */
  const said = async (target: Target, tool: Tool, args: readonly string[], input?: string) => {
    const at = [...args, '--bootstrap-server', target.bootstrap]
    const { stdout, stderr, code } = await (await javaTools()).call(tool, at, { input })
    const text = `${stdout}\n${stderr}`
      .replaceAll(target.bootstrap, 'BROKER')
      .replaceAll(target.dataDir, 'DIR')
      .replace(/\b[\w-]{22}\b/g, 'ID')
      .replace(/^\d{4}-\d\d-\d\d [\d:,]+ /gm, '')
      .replace(/(clientId=\w+-)\d+/g, '$1N')
      .replace(/Epoch: \d+/g, 'Epoch: N')
      .replace(/(HighWatermark|LeaderEpoch): +\d+/g, '$1: N')
      .replace(/^\s+at .*$/gm, '')
      .replace(/"size":\d+/g, '"size":N')
    const lines = text.split('\n').map((line) => line.trim())
    return { code, lines: lines.filter((line) => line !== '').toSorted() }
  }

  /** One broker after the other: tools that run at the same time in one JVM share its log. */
  const same = async (tool: Tool, args: readonly string[], input?: string) => {
    const mine = await said(ours, tool, args, input)
    const real = await said(theirs, tool, args, input)
    expect(mine).toEqual(real)
    return mine.lines
  }

  const file = (name: string, content: unknown) => {
    const path = join(dir, name)
    writeFileSync(path, JSON.stringify(content))
    return path
  }

  test('kafka-topics with configurations, and their limits', async () => {
    const create = ['--create', '--topic', 'a', '--partitions', '2']
    await same('topics', [...create, '--config', 'retention.ms=100000'])
    await same('topics', ['--describe', '--topic', 'a'])
    await same('topics', create)
    await same('topics', ['--create', '--topic', 'bad/name'])
    await same('topics', ['--create', '--topic', 'b', '--config', 'bogus=1'])
    await same('topics', ['--create', '--topic', 'b', '--config', 'retention.ms=soon'])
    await same('topics', ['--create', '--topic', 'b', '--replication-factor', '3'])
    await same('topics', ['--alter', '--topic', 'a', '--partitions', '1'])
  })

  test('kafka-configs of topics', async () => {
    const topic = ['--entity-type', 'topics', '--entity-name', 'a']
    await same('configs', [...topic, '--alter', '--add-config', 'cleanup.policy=[compact,delete]'])
    await same('configs', [...topic, '--describe'])
    const all = await same('configs', [...topic, '--describe', '--all'])
    expect(all.length).toBeGreaterThan(30)
    await same('configs', [...topic, '--alter', '--delete-config', 'cleanup.policy'])
    await same('configs', [...topic, '--describe'])
    await same('configs', [...topic, '--alter', '--add-config', 'segment.bytes=1'])
    await same('configs', ['--entity-type', 'topics', '--entity-name', 'none', '--describe'])
  })

  test('kafka-configs of brokers, groups, clients and users', async () => {
    const alter = ['--alter', '--add-config']
    const defaults = ['--entity-type', 'brokers', '--entity-default']
    await same('configs', [...defaults, ...alter, 'log.retention.ms=777777'])
    await same('configs', [...defaults, '--describe'])
    await same('configs', ['--entity-type', 'topics', '--entity-name', 'a', '--describe', '--all'])
    await same('configs', [...defaults, ...alter, 'node.id=9'])
    const group = ['--entity-type', 'groups', '--entity-name', 'g']
    await same('configs', [...group, ...alter, 'consumer.session.timeout.ms=50000'])
    await same('configs', [...group, '--describe'])
    const pair = ['--entity-type', 'users', '--entity-name', 'u', '--entity-type', 'clients']
    await same('configs', [...pair, '--entity-default', ...alter, 'producer_byte_rate=1024'])
    await same('configs', [...pair, '--entity-default', '--describe'])
    const alice = ['--entity-type', 'users', '--entity-name', 'alice']
    await same('configs', [...alice, ...alter, 'SCRAM-SHA-256=[iterations=8192,password=secret]'])
    await same('configs', [...alice, '--describe'])
    await same('configs', [...alice, '--alter', '--delete-config', 'SCRAM-SHA-512'])
  })

  test('kafka-delete-records and kafka-get-offsets', async () => {
    await same('topics', ['--create', '--topic', 'del'])
    const input = Array.from({ length: 20 }, (_, i) => `${i}\n`).join('')
    await same('console-producer', ['--topic', 'del'], input)
    const offsets = (offset: number) => ({
      partitions: [{ topic: 'del', partition: 0, offset }],
      version: 1,
    })
    await same('delete-records', ['--offset-json-file', file('five', offsets(5))])
    await same('get-offsets', ['--topic', 'del', '--time', 'earliest'])
    await same('delete-records', ['--offset-json-file', file('far', offsets(50))])
    await same('delete-records', ['--offset-json-file', file('all', offsets(-1))])
    for (const time of ['earliest', 'latest', '0', 'earliest-local']) {
      await same('get-offsets', ['--topic', 'del', '--time', time])
    }
  })

  test('kafka-log-dirs, elections, reassignments, quorum, features, acls, cluster', async () => {
    await same('log-dirs', ['--describe', '--topic-list', 'a'])
    await same('leader-election', ['--election-type', 'preferred', '--all-topic-partitions'])
    const one = ['--election-type', 'preferred', '--topic', 'a', '--partition', '0']
    await same('leader-election', one)
    const plan = (replicas: number[]) => ({
      version: 1,
      partitions: [{ topic: 'a', partition: 0, replicas }],
    })
    const execute = (path: string) => ['--execute', '--reassignment-json-file', path]
    await same('reassign-partitions', execute(file('nowhere', plan([9]))))
    await same('reassign-partitions', ['--list'])
    await same('metadata-quorum', ['describe', '--status'])
    await same('features', ['describe'])
    await same('acls', ['--list'])
    await same('cluster', ['cluster-id'])
  })

  test('an idle controller has the metadata log grow, twice a second', async () => {
    const tools = await javaTools()
    for (const target of [ours, theirs]) {
      const at = ['--bootstrap-server', target.bootstrap, 'describe', '--status']
      const highWatermark = async () =>
        Number(/^HighWatermark:\s+(\d+)/m.exec(await tools.ask('metadata-quorum', at))?.[1])
      const [from, fromMs] = [await highWatermark(), performance.now()]
      await until('it has grown by four records', async () => (await highWatermark()) >= from + 4)
      expect(performance.now() - fromMs).toBeGreaterThan(1_400)
      const log = join(target.dataDir, '__cluster_metadata-0', '00000000000000000000.log')
      const dumped = await tools.ask('dump-log', ['--cluster-metadata-decoder', '--files', log])
      expect(dumped).toContain('{"type":"NO_OP_RECORD","version":0,"data":{}}')
    }
  })
})
