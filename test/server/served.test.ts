import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { messages } from '../../src/protocol/messages/index.ts'
import { Broker } from '../../src/server/broker.ts'
import {
  controllerHandlers,
  forwardableHandlers,
} from '../../src/server/controller/handlers/index.ts'
import { handlers } from '../../src/server/handlers/index.ts'
import kafkas from '../golden/api-versions.json' with { type: 'json' }
import { RawClient } from './raw-client.ts'

const server = join(import.meta.dirname, '..', '..', 'src', 'server')
const keysIn = (folder: string) =>
  readdirSync(join(server, folder))
    .filter((file) => file !== 'index.ts')
    .map((file) => Number(file.split('-')[0]))
const keysOf = (table: readonly { readonly api: { readonly key: number } }[]) =>
  table.map(({ api }) => api.key)
const sorted = (keys: Iterable<number>) => [...keys].sort((a, b) => a - b)

test('the table of handlers is the folder of handlers, and what is forwarded', () => {
  const own = keysIn('handlers')
  expect(keysOf(handlers)).toEqual(sorted(new Set([...own, ...keysOf(forwardableHandlers)])))
})

test('the table of the controller is its folder', () => {
  // Of these the controller's are the broker's.
  const shared = [17, 29, 36]
  const own = keysIn('controller/handlers')
  expect(sorted(keysOf(controllerHandlers))).toEqual(sorted([...own, ...shared]))
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
