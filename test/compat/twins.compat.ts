import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools, type Tool } from './kafka/tools.ts'
import { startBroker, startKafka, type Target, targetName } from './targets.ts'

const ofTwin = ['--entity-type', 'topics', '--entity-name', 'twin']

/**
 * The same commands to odradek and to Apache Kafka: the output of the tools and the files must be
 * the same.
 */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} and Kafka side by side`, () => {
  let ours: Target
  let theirs: Target
  const settings = {
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'log.segment.bytes': 1024 * 1024,
  }
  beforeAll(async () => {
    ;[ours, theirs] = await Promise.all([startBroker({ settings }), startKafka({ settings })])
  })
  afterAll(() => Promise.all([ours?.close(), theirs?.close()]))

  /** Removes from a tool's output what differs between any two brokers. */
  const plain = (text: string, { port }: Target) =>
    text
      .replaceAll(String(port), 'PORT')
      .replace(/TopicId: [\w-]{22}/g, 'TopicId: ID')
      .replace(/Configs: (.*)/g, (_, configs) => `Configs: ${configs.split(',').toSorted()}`)
      .replace(/(Cluster ?I[Dd]: +)[\w-]{22}/g, '$1ID')
      .replace(/(Epoch|HighWatermark): +\d+$/gm, '$1: N')
      .replace(/, "endpoints": \["CONTROLLER:.*?"\]/, '')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+/g, 'TIME')
  const onBoth = async (tool: Tool, args: string[], input?: string) => {
    const tools = await javaTools()
    const [mine, real] = await Promise.all(
      [ours, theirs].map(async (target) => {
        const at = ['--bootstrap-server', target.bootstrap]
        const isCommand = /^[a-z]/.test(args[0] ?? '') // a subcommand, which some tools want first
        const all = isCommand && tool === 'cluster' ? [...args, ...at] : [...at, ...args]
        const { code, stdout } = await tools.call(tool, all, { input })
        return { code, said: plain(stdout, target) }
      }),
    )
    return { mine: mine!, real: real! }
  }

  test('broker-api-versions: each key that is served, at the full range', async () => {
    const versions = (said: string) =>
      new Map(
        [...said.matchAll(/^\t(\w+\(\d+\)): (.*?)( \[usable: .*)?,?$/gm)].map((m) => [m[1], m[2]]),
      )
    const { mine, real } = await onBoth('broker-api-versions', [])
    expect(mine.code).toBe(0)
    const [served, wanted] = [versions(mine.said), versions(real.said)]
    expect(wanted.size).toBeGreaterThan(60)
    const differing = [...served].filter(
      ([key, range]) => range !== 'UNSUPPORTED' && range !== wanted.get(key),
    )
    expect(differing).toEqual([])
    const missing = [...wanted].flatMap(([key, range]) =>
      range !== 'UNSUPPORTED' && (served.get(key) ?? 'UNSUPPORTED') === 'UNSUPPORTED' ? [key] : [],
    )
    if (missing.length > 0) console.log(`not served: ${missing.join(' ')}`)
  })

  test.each<[Tool, string[], string?]>([
    ['topics', ['--create', '--topic', 'twin', '--partitions', '3', '--config', 'retention.ms=-1']],
    ['topics', ['--create', '--topic', 'twin']],
    ['topics', ['--create', '--topic', 'a name with spaces']],
    ['topics', ['--create', '--topic', 'broad', '--replication-factor', '2']],
    ['topics', ['--create', '--topic', 'odd', '--config', 'no.such.config=1']],
    ['topics', ['--create', '--topic', 'odd', '--config', 'retention.ms=many']],
    ['topics', ['--create', '--topic', 'placed', '--replica-assignment', '1,1']],
    ['topics', ['--list']],
    ['topics', ['--describe', '--topic', 'twin']],
    ['topics', ['--describe', '--topic', 'placed']],
    ['topics', ['--describe', '--topic', 'absent']],
    ['topics', ['--alter', '--topic', 'twin', '--partitions', '2']],
    ['topics', ['--alter', '--topic', 'twin', '--partitions', '4']],
    ['topics', ['--delete', '--topic', 'absent']],
    ['topics', ['--delete', '--topic', 'placed']],
    ['console-producer', ['--topic', 'twin', '--compression-codec', 'zstd'], 'a\nb\nc\n'],
    ['get-offsets', ['--topic', 'twin', '--time', 'earliest']],
    ['get-offsets', ['--topic', 'absent']],
    ['configs', ['--describe', '--entity-type', 'topics', '--entity-name', 'twin']],
    ['configs', ['--describe', '--entity-type', 'topics', '--entity-name', 'twin', '--all']],
    ['configs', [...ofTwin, '--alter', '--add-config', 'retention.ms=1000,segment.ms=2000']],
    ['configs', [...ofTwin, '--alter', '--add-config', 'no.such=1']],
    ['configs', [...ofTwin, '--alter', '--add-config', 'retention.ms=x']],
    ['configs', [...ofTwin, '--alter', '--delete-config', 'segment.ms']],
    ['configs', [...ofTwin, '--alter', '--delete-config', 'segment.ms']],
    ['configs', ['--describe', ...ofTwin]],
    ['configs', ['--describe', '--entity-type', 'brokers', '--entity-default']],
    ['configs', ['--describe', '--entity-type', 'brokers', '--entity-name', '1']],
    ['cluster', ['cluster-id']],
    ['cluster', ['list-endpoints']],
    ['features', ['describe']],
    ['groups', ['--list']],
    ['metadata-quorum', ['describe', '--status']],
    [
      'console-consumer',
      ['--topic', 'twin', '--group', 'g', '--max-messages', '1', '--partition', '9'],
    ],
    ['consumer-groups', ['--describe', '--group', 'absent']],
    ['consumer-groups', ['--list']],
  ])('%s %j', async (tool, args, input) => {
    const { mine, real } = await onBoth(tool, args, input)
    expect(mine).toEqual(real)
  })

  test('the same batches give the same files, byte for byte', async () => {
    const tools = await javaTools()
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
    for (const target of [ours, theirs]) {
      for (const codec of codecs) {
        const at = ['--bootstrap-server', target.bootstrap]
        await tools.ask('topics', [...at, '--create', '--topic', `bytes-${codec}`])
        const args = [target.bootstrap, `bytes-${codec}`, codec, '60', '100']
        await tools.ask('fixed-batches', args)
      }
      await target.stop()
    }
    for (const codec of codecs) {
      for (const ending of ['log', 'index', 'timeindex']) {
        const file = join(`bytes-${codec}-0`, `00000000000000000000.${ending}`)
        const [mine, real] = [ours, theirs].map(({ dataDir }) => readFileSync(join(dataDir, file)))
        expect(real!.length, file).toBeGreaterThan(0)
        expect(mine!.equals(real!), `${file}: ${mine!.length} bytes, Kafka ${real!.length}`).toBe(
          true,
        )
      }
      const checkpoint = join(`bytes-${codec}-0`, 'leader-epoch-checkpoint')
      const [mine, real] = [ours, theirs].map(({ dataDir }) =>
        readFileSync(join(dataDir, checkpoint), 'utf8'),
      )
      expect(mine).toBe(real)
    }
  })
})
