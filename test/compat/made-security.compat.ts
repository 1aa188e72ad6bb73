import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { Broker, type ClientSettings, type Security } from '../../src/index.ts'
import { javaTools } from './kafka/tools.ts'
import { kcat } from './kcat.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanUps.splice(0).reverse()) await step()
})

async function start(security: Security): Promise<Broker> {
  const broker = await Broker.start({ port: 0, memory: true, security })
  cleanUps.push(() => broker.stop())
  return broker
}

/** Writes records by Java's producer, with the settings as a file. */
async function writeByJava({ javaProperties }: ClientSettings, at: string, lines: string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'odradek-client-'))
  cleanUps.push(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'client.properties')
  writeFileSync(file, javaProperties)
  const tools = await javaTools()
  const input = lines.map((line) => `${line}\n`).join('')
  const args = ['--bootstrap-server', at, '--topic', 't', '--command-config', file]
  await tools.ask('console-producer', args, { input })
}

async function readByKafkajs({ kafkajs: settings }: ClientSettings, count: number) {
  const client = new kafkajs.Kafka({ logLevel: kafkajs.logLevel.NOTHING, ...settings })
  const consumer = client.consumer({ groupId: 'g' })
  cleanUps.push(() => consumer.disconnect())
  await consumer.connect()
  await consumer.subscribe({ topic: 't', fromBeginning: true })
  const read: string[] = []
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: kafkajs.EachMessagePayload) => {
      read.push(String(message.value))
      if (read.length === count) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  return read
}

const lines = ['one', 'two', 'three']
const users = { 'a user of "letters"': 'it\'s \\ "quoted"; =' }

describe('ready client settings of a broker with its own security', () => {
  test
    .skipIf(inject('javaMissing') !== null)
    .each<Security>([
      'SSL',
      { protocol: 'SSL', clientAuth: 'required' },
      'SASL_PLAINTEXT',
      'SASL_SSL',
      { protocol: 'SASL_SSL', users },
      { protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-256', clientAuth: 'required', users },
      { protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-512', users },
    ])('%j: Java writes, kafkajs reads', async (security) => {
    const broker = await start(security)
    await writeByJava(broker.clientSettings, broker.address, lines)
    expect(await readByKafkajs(broker.clientSettings, lines.length)).toEqual(lines)
  })

  test.skipIf(inject('javaMissing') !== null)('SCRAM of other letters, by Java', async () => {
    const security = { protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-512' } as const
    const broker = await start({ ...security, users: { älice: 'wôrd' } })
    await writeByJava(broker.clientSettings, broker.address, lines)
  })

  // Debian's librdkafka cannot log in by SCRAM, to Apache Kafka either.
  test
    .skipIf(inject('kcatMissing') !== null)
    .each<Security>([
      'SSL',
      { protocol: 'SSL', clientAuth: 'required' },
      'SASL_PLAINTEXT',
      { protocol: 'SASL_SSL', users },
    ])('%j: kcat writes and reads', async (security) => {
    const broker = await start(security)
    const { librdkafka } = broker.clientSettings
    const given = Object.entries(librdkafka).flatMap(([key, value]) => ['-X', `${key}=${value}`])
    const input = lines.map((line) => `${line}\n`).join('')
    await kcat(broker.address, [...given, '-P', '-t', 't'], { input })
    const read = await kcat(broker.address, [...given, '-C', '-t', 't', '-e', '-q'])
    expect(read).toBe(input)
  })
})
