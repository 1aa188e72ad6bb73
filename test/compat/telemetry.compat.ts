import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Broker, type ClientMetrics } from '../../src/index.ts'
import { compile, startJava } from './kafka/java.ts'
import { javaTools } from './kafka/tools.ts'
import { until } from './kafkajs/client.ts'
import { metricNames, resourceAttributes } from './otlp.ts'
import type { Running } from './process.ts'

const producerMetrics = 'org.apache.kafka.producer.'
const consumerMetrics = 'org.apache.kafka.consumer.'

/** A Java client uses the first codec of the broker's list for which it has a library. */
const codecs = [
  ['zstd', undefined],
  ['lz4', /zstd-jni/],
  ['gzip', /zstd-jni|lz4-java/],
] as const

/**
 * Java clients push metrics automatically (KIP-714); only odradek passes them to a library call.
 */
describe.skipIf(inject('javaMissing') !== null)('metrics of Java clients', () => {
  let broker: Broker
  let classes: string
  const running: Running[] = []

  beforeAll(async () => {
    classes = await compile()
    const settings = { 'odradek.telemetry.enabled': true, 'group.initial.rebalance.delay.ms': 0 }
    broker = await Broker.start({ port: 0, memory: true, settings })
  })
  afterAll(async () => {
    for (const one of running) await one.kill('SIGKILL')
    await broker?.stop()
  })

  const subscribe = async (name: string, ...args: string[]) =>
    (await javaTools()).ask('client-metrics', [
      ...['--bootstrap-server', broker.address, '--name', name, ...args],
    ])
  const kept = (id: string): ClientMetrics | undefined =>
    broker.clientMetrics().find(({ clientInstanceId }) => clientInstanceId === id)
  const namesOf = (id: string) => metricNames(kept(id)?.metrics ?? Buffer.alloc(0))

  test.each(codecs)('arrive by %s and follow the subscription', async (codec, without) => {
    const clientId = `pushing-${codec}`
    const name = `by-${codec}`
    const alter = ['--alter', '--interval', '200', '--match', `client_id=push\\w+-${codec}`]
    await subscribe(name, ...alter, '--metrics', `${producerMetrics},${consumerMetrics}`)
    await subscribe(`not-${codec}`, '--alter', '--match', 'client_id=nobody', '--metrics', '*')

    const program = startJava('TelemetryClient', [broker.address, `topic-${codec}`, clientId], {
      extra: [classes],
      ...(without === undefined ? {} : { without }),
    })
    running.push(program)
    const [, producer = ''] = await program.until(/^producer (\S+)$/m, 30_000)
    const [, consumer = ''] = await program.until(/^consumer (\S+)$/m, 30_000)
    await until(
      'both push',
      () => kept(producer)?.compression === codec && kept(consumer)?.compression === codec,
    )
    expect(kept(producer)).toMatchObject({
      clientId,
      clientHost: '/127.0.0.1',
      softwareName: 'apache-kafka-java',
      softwareVersion: '4.3.1',
    })
    expect(namesOf(producer)).toContain('org.apache.kafka.producer.record.send.total')
    expect(namesOf(producer).filter((one) => !one.startsWith(producerMetrics))).toEqual([])
    expect(namesOf(consumer)).toContain(
      'org.apache.kafka.consumer.fetch.manager.records.consumed.total',
    )
    expect(namesOf(consumer).filter((one) => !one.startsWith(consumerMetrics))).toEqual([])
    expect(resourceAttributes(kept(consumer)!.metrics)).toContain('group_id')

    const narrow = `${producerMetrics}topic.`
    await subscribe(name, ...alter, '--metrics', narrow)
    await until('the producer follows', () => {
      const names = namesOf(producer)
      return names.length > 0 && names.every((one) => one.startsWith(narrow))
    })

    program.child.stdin?.end('\n')
    const { code, stderr } = await program.end(30_000)
    expect(code).toBe(0)
    expect(stderr).not.toMatch(/telemetry/i)
    await subscribe(name, '--delete')
    await subscribe(`not-${codec}`, '--delete')
  })

  test('kafka-client-metrics lists and describes what is asked for', async () => {
    await subscribe('told', '--alter', '--metrics', 'org.a,org.b', '--interval', '1000')
    const told = await subscribe('told', '--describe')
    expect(told).toContain('interval.ms=1000')
    expect(told).toContain('metrics=org.a,org.b')
    const tools = await javaTools()
    const listed = await tools.ask('client-metrics', [
      '--bootstrap-server',
      broker.address,
      '--list',
    ])
    expect(listed.trim().split('\n')).toContain('told')
    await subscribe('told', '--delete')
  })
})
