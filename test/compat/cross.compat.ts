import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { javaTools } from './kafka/tools.ts'
import { client, compressionTypes, readAll } from './kafkajs/client.ts'
import { kcat } from './kcat.ts'
import { startBroker, type Target, targetName } from './targets.ts'

const missing = inject('javaMissing') ?? inject('kcatMissing')
const perClient = 50

/** Three clients that share no code write to one topic with one codec, and each reads all of it. */
describe.skipIf(missing !== null)(`Java, librdkafka and kafkajs together on ${targetName}`, () => {
  let broker: Target
  beforeAll(async () => {
    broker = await startBroker({ settings: { 'group.initial.rebalance.delay.ms': 0 } })
  })
  afterAll(() => broker?.close())

  const values = (who: string) =>
    Array.from({ length: perClient }, (_, i) => `${who} ${i} `.repeat(1 + (i % 9)).trim())

  test.each(Object.entries(compressionTypes))('%s', async (codec, type) => {
    const tools = await javaTools()
    const kafka = client(broker.bootstrap)
    const topic = `cross-${codec}`
    const at = ['--bootstrap-server', broker.bootstrap, '--topic', topic]
    await tools.ask('topics', [...at, '--create'])
    await tools.ask('console-producer', [...at, '--compression-codec', codec], {
      input: `${values('java').join('\n')}\n`,
    })
    await kcat(broker.bootstrap, ['-P', '-t', topic, '-z', codec], {
      input: `${values('kcat').join('\n')}\n`,
    })
    const producer = kafka.producer()
    await producer.connect()
    const messages = values('kafkajs').map((value) => ({ value }))
    await producer.send({ topic, compression: type, messages })
    await producer.disconnect()

    const all = ['java', 'kcat', 'kafkajs'].flatMap(values)
    const lines = (text: string) => text.split('\n').filter((line) => line !== '')
    const byJava = ['--from-beginning', '--max-messages', String(all.length)]
    expect(lines(await tools.ask('console-consumer', [...at, ...byJava]))).toEqual(all)
    expect(lines(await kcat(broker.bootstrap, ['-C', '-t', topic, '-e', '-q']))).toEqual(all)
    const byKafkajs = await readAll(kafka, topic, all.length)
    expect(byKafkajs.map(({ message }) => String(message.value))).toEqual(all)
  })
})
