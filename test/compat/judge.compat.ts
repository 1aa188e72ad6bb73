import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools } from './kafka/tools.ts'
import { startKafka, type Target } from './targets.ts'

/** Apache Kafka and its tools must run here; otherwise no other result counts. */
describe.skipIf(inject('javaMissing') !== null)('Apache Kafka, unmodified', () => {
  let kafka: Target
  beforeAll(async () => {
    kafka = await startKafka({ settings: { 'group.initial.rebalance.delay.ms': 0 } })
  })
  afterAll(() => kafka?.close())

  test('creates, lists and fills a topic with its own tools', async () => {
    const tools = await javaTools()
    const at = ['--bootstrap-server', kafka.bootstrap]
    await tools.ask('topics', [...at, '--create', '--topic', 'judged', '--partitions', '2'])
    expect(await tools.ask('topics', [...at, '--list'])).toBe('judged\n')
    await tools.ask('console-producer', [...at, '--topic', 'judged'], { input: 'a\nb\nc\n' })
    for (const _ of ['once', 'and again in the same JVM']) {
      const from = ['--topic', 'judged', '--from-beginning', '--max-messages', '3']
      const read = await tools.ask('console-consumer', [...at, ...from])
      expect(read.split('\n').toSorted()).toEqual(['', 'a', 'b', 'c'])
    }
  })

  test('a tool that fails says why', async () => {
    const tools = await javaTools()
    const { code, stdout } = await tools.call('topics', [
      '--bootstrap-server',
      kafka.bootstrap,
      ...['--describe', '--topic', 'no-such-topic'],
    ])
    expect(code).toBe(1)
    expect(stdout).toContain("Topic 'no-such-topic' does not exist")
  })
})
