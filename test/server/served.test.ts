import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { messages } from '../../src/protocol/messages/index.ts'
import { Broker } from '../../src/server/broker.ts'
import { handlers } from '../../src/server/handlers/index.ts'
import kafkas from '../golden/api-versions.json' with { type: 'json' }
import { RawClient } from './raw-client.ts'

const folder = join(import.meta.dirname, '..', '..', 'src', 'server', 'handlers')
const keyOf = (file: string) => Number(file.split('-')[0])

test('the table of handlers is the folder of handlers', () => {
  const files = readdirSync(folder).filter((file) => file !== 'index.ts')
  expect(handlers.map(({ api }) => api.key)).toEqual(files.map(keyOf).sort((a, b) => a - b))
})

test('every key that Apache Kafka 4.4.0 serves has a message, with its versions', () => {
  for (const { key, name, max } of kafkas) {
    const message = messages.find((one) => one.key === key)
    expect(message?.name).toBe(name)
    expect(message?.stableMax, name).toBe(max)
  }
})

test('each key that is served is served in all versions that Apache Kafka 4.4.0 advertises', async () => {
  const broker = await Broker.start({ port: 0, memory: true })
  const client = await RawClient.open(broker.port)
  const { apiKeys } = await client.request(apiVersions, 4, {
    clientSoftwareName: 'raw',
    clientSoftwareVersion: '1',
  })
  const theirs = new Map(kafkas.map(({ key, min, max }) => [key, { min, max }]))
  for (const { apiKey, minVersion, maxVersion } of apiKeys) {
    expect({ min: minVersion, max: maxVersion }, `key ${apiKey}`).toEqual(theirs.get(apiKey))
  }
  // Telemetry is off by default.
  expect(apiKeys.length).toBe(handlers.length - 2)
  client.close()
  await broker.stop()
})
