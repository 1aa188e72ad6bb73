import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { lineLogger } from '../../src/base/logger.ts'
import { errorCode } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.ts'
import { alterReplicaLogDirs } from '../../src/protocol/messages/34-alter-replica-log-dirs.ts'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { unregisterBroker } from '../../src/protocol/messages/64-unregister-broker.ts'
import { getTelemetrySubscriptions } from '../../src/protocol/messages/71-get-telemetry-subscriptions.ts'
import { pushTelemetry } from '../../src/protocol/messages/72-push-telemetry.ts'
import { compress } from '../../src/protocol/records/compression.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { zeroUuid } from '../../src/protocol/schema.ts'
import { Broker } from '../../src/server/broker.ts'
import type { BrokerOptions } from '../../src/server/broker-options.ts'
import { RawClient } from './raw-client.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function start(options: BrokerOptions) {
  const broker = await Broker.start({ port: 0, ...options })
  open.push({ close: () => broker.stop() })
  const client = await RawClient.open(broker.port)
  open.push(client)
  return { broker, client }
}

async function makeTopic(client: RawClient, name: string): Promise<string> {
  const draft = { name, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  const { topics } = await client.request(createTopics, 7, { topics: [draft] })
  return topics[0]!.topicId
}

/** A directory on another file system than the temporary one; null if there is none. */
const elsewhere =
  existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(tmpdir()).dev ? '/dev/shm' : null

test.each([
  ['of the same file system', tmpdir()],
  ...(elsewhere === null ? [] : [['of another file system', elsewhere]]),
])(
  'a replica moves to another directory %s, and is found there after a restart',
  async (_, where) => {
    const roots = [tmpdir(), where!].map((dir) => mkdtempSync(join(dir, 'odradek-move-')))
    for (const root of roots) open.push({ close: () => rmSync(root, { recursive: true }) })
    const [a, b] = [join(roots[0]!, 'a'), join(roots[1]!, 'b')]
    const settings = { 'log.dirs': `${a},${b}` }
    let { broker, client } = await start({ settings })
    const topicId = await makeTopic(client, 'moved')
    const send = (value: string) =>
      client.request(produce, 13, {
        acks: -1,
        timeoutMs: 1000,
        topicData: [
          {
            topicId,
            partitionData: [
              {
                index: 0,
                records: writeBatch({
                  records: [{ key: null, value: Buffer.from(value), timestampMs: 1 }],
                }),
              },
            ],
          },
        ],
      })
    const placeOf = async () => {
      const { results } = await client.request(describeLogDirs, 4, {
        topics: [{ topic: 'moved', partitions: [0] }],
      })
      return results.filter(({ topics }) => topics.length > 0).map(({ logDir }) => logDir)
    }
    await send('one')
    const [before] = await placeOf()
    const target = before === a ? b : a
    const moved = await client.request(alterReplicaLogDirs, 2, {
      dirs: [{ path: target, topics: [{ name: 'moved', partitions: [0] }] }],
    })
    expect(moved.results).toEqual([
      { topicName: 'moved', partitions: [{ partitionIndex: 0, errorCode: 0 }] },
    ])
    const end = async () => {
      const { responses } = await client.request(fetch, 16, {
        maxWaitMs: 0,
        minBytes: 0,
        topics: [
          { topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] },
        ],
      })
      return responses[0]!.partitions[0]!.highWatermark
    }
    for (const turn of ['moved', 'restarted']) {
      expect(await placeOf(), turn).toEqual([target])
      await send(turn)
      expect(readdirSync(before!)).not.toContain('moved-0')
      expect(readdirSync(target)).toContain('moved-0')
      if (turn === 'restarted') continue
      await broker.stop()
      ;({ broker, client } = await start({ settings }))
    }
    expect(await end()).toBe(3)
  },
)

test('a broker that is gone for good is forgotten', async () => {
  const { broker, client } = await start({ memory: true, brokers: 2 })
  const forget = (brokerId: number) => client.request(unregisterBroker, 0, { brokerId })
  expect((await forget(7)).errorCode).toBe(errorCode('BROKER_ID_NOT_REGISTERED'))
  await broker.stopBroker(2)
  expect((await forget(2)).errorCode).toBe(0)
  expect((await forget(2)).errorCode).toBe(errorCode('BROKER_ID_NOT_REGISTERED'))
  await broker.startBroker(2)
  const { brokers } = await client.request(metadata, 12, { topics: [] })
  expect(brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2])
})

test('the level of the root logger can be altered, and then acts', async () => {
  const lines: string[] = []
  const logger = lineLogger(
    'warn',
    () => 0,
    (line) => lines.push(line),
  )
  const { client } = await start({ memory: true, logger })
  const [resourceType, resourceName] = [8, '1']
  const level = async () => {
    const resources = [{ resourceType, resourceName, configurationKeys: null }]
    const { results } = await client.request(describeConfigs, 4, { resources })
    return results[0]!.configs.map(({ name, value }) => [name, value])
  }
  const alter = async (value: string, validateOnly = false) => {
    const configs = [{ name: 'root', configOperation: 0, value }]
    const resources = [{ resourceType, resourceName, configs }]
    const asked = { validateOnly, resources }
    const { responses } = await client.request(incrementalAlterConfigs, 1, asked)
    return responses[0]!.errorCode
  }
  expect(await level()).toEqual([['root', 'WARN']])
  expect(await alter('DEBUG', true)).toBe(0)
  logger.debug('no')
  expect(await alter('TRACE')).toBe(0)
  expect(await level()).toEqual([['root', 'DEBUG']])
  logger.debug('yes')
  expect(await alter('FATAL')).toBe(0)
  logger.warn('nor this')
  logger.error('but this')
  expect(await alter('LOUD')).toBe(errorCode('INVALID_CONFIG'))
  expect(lines.map((line) => line.split(' ').slice(1).join(' ').trim())).toEqual([
    'DEBUG yes',
    'ERROR but this',
  ])
})

describe('client telemetry', () => {
  const software = { clientSoftwareName: 'wired', clientSoftwareVersion: '1.2' }
  const subscribe = (client: RawClient, name: string, configs: Record<string, string>) =>
    client.request(incrementalAlterConfigs, 1, {
      validateOnly: false,
      resources: [
        {
          resourceType: 16,
          resourceName: name,
          configs: Object.entries(configs).map(([key, value]) => ({
            ...{ name: key, configOperation: 0, value },
          })),
        },
      ],
    })
  const ask = (client: RawClient, clientInstanceId: string) =>
    client.request(getTelemetrySubscriptions, 0, { clientInstanceId })

  test('is not offered unless it is asked for', async () => {
    const { client } = await start({ memory: true })
    const { apiKeys } = await client.request(apiVersions, 4, software)
    expect(apiKeys.map(({ apiKey }) => apiKey)).not.toContain(71)
  })

  test('asks those who match, and keeps the newest of each', async () => {
    const settings = { 'odradek.telemetry.enabled': true }
    const { broker, client } = await start({ memory: true, settings })
    const { apiKeys } = await client.request(apiVersions, 4, software)
    expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual(expect.arrayContaining([71, 72]))
    await subscribe(client, 'all', {
      metrics: 'org.apache.kafka.producer.,org.b',
      'interval.ms': '200',
    })
    await subscribe(client, 'mine', { metrics: 'org.c', match: 'client_software_name=wi.*' })
    await subscribe(client, 'others', { metrics: 'org.d', match: 'client_id=nobody' })
    const wanted = await ask(client, zeroUuid)
    expect(wanted).toMatchObject({ errorCode: 0, pushIntervalMs: 200, telemetryMaxBytes: 1048576 })
    expect(wanted.requestedMetrics.toSorted()).toEqual([
      'org.apache.kafka.producer.',
      'org.b',
      'org.c',
    ])
    const id = wanted.clientInstanceId
    expect((await ask(client, id)).errorCode).toBe(errorCode('THROTTLING_QUOTA_EXCEEDED'))
    const push = async (more: object) => {
      const { errorCode: code } = await client.request(pushTelemetry, 0, {
        ...{ clientInstanceId: id, subscriptionId: wanted.subscriptionId, terminating: false },
        ...{ compressionType: 0, metrics: Buffer.from('first'), ...more },
      })
      return code
    }
    expect(await push({})).toBe(0)
    expect(await push({})).toBe(errorCode('THROTTLING_QUOTA_EXCEEDED'))
    expect(await push({ clientInstanceId: zeroUuid })).toBe(errorCode('INVALID_REQUEST'))
    const metrics = await compress(2, Buffer.from('last'))
    expect(await push({ terminating: true, compressionType: 2, metrics })).toBe(0)
    expect(await push({})).toBe(errorCode('INVALID_REQUEST'))
    const kept = broker.clientMetrics()
    expect(kept).toHaveLength(1)
    expect(kept[0]).toMatchObject({
      clientInstanceId: id,
      clientId: 'raw',
      softwareName: 'wired',
      compression: 'snappy',
      isTerminating: true,
      metrics: Buffer.from('last'),
    })
  })
})
