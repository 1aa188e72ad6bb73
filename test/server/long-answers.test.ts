import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readResponse } from '../../src/protocol/frame.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { apiVersions } from '../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.ts'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { RawClient } from './raw-client.ts'

const partitions = 12
const batches = 24
const valueBytes = 60_000
const software = { clientSoftwareName: 'raw', clientSoftwareVersion: '1' }

let broker: Broker
const valueAt = (partition: number, n: number) =>
  Buffer.alloc(valueBytes, `${partition} ${n};`).toString('latin1')

async function fill(topic: string): Promise<void> {
  const client = await RawClient.open(broker.port)
  await client.request(createTopics, 5, {
    topics: [
      {
        name: topic,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      },
    ],
  })
  for (let n = 0; n < batches; n++) {
    const partitionData = Array.from({ length: partitions }, (_, index) => {
      const value = Buffer.from(valueAt(index, n), 'latin1')
      return { index, records: writeBatch({ records: [{ key: null, value, timestampMs: 1 }] }) }
    })
    const body = { acks: 1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] }
    const { responses } = await client.request(produce, 9, body)
    for (const one of responses[0]!.partitionResponses) expect(one.errorCode).toBe(0)
  }
  client.close()
}

/** A Fetch of all partitions; `from` has their offsets. */
const fetchOf = (topic: string, maxBytes: number, from: readonly number[] = []) => ({
  ...{ maxWaitMs: 0, minBytes: 0, isolationLevel: 0, maxBytes },
  topics: [
    {
      topic,
      partitions: Array.from({ length: partitions }, (_, partition) => ({
        ...{ partition, fetchOffset: from[partition] ?? 0, partitionMaxBytes: 1 << 20 },
      })),
    },
  ],
})

/** Returns the values of a Fetch by partition; every batch must be complete and intact. */
async function valuesIn(body: Readonly<Record<string, any>>): Promise<string[][]> {
  const found: string[][] = Array.from({ length: partitions }, () => [])
  for (const { partitionIndex, records, errorCode } of body.responses[0]!.partitions) {
    expect(errorCode).toBe(0)
    for (const batch of batchesIn(records)) {
      expect(batch.isIntact()).toBe(true)
      for (const record of await readRecords(batch)) {
        found[partitionIndex]!.push(record.value!.toString('latin1'))
      }
    }
  }
  return found
}

// With sendfile, where it is available, and without.
describe.each(['true', 'false'])('odradek.sendfile.enabled=%s: answers that', (isEnabled) => {
  let dataDir: string
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'odradek-long-'))
    broker = await Broker.start({
      port: 0,
      dataDir,
      settings: { 'odradek.sendfile.enabled': isEnabled },
    })
    for (const topic of ['long', 'doomed']) await fill(topic)
  })
  afterAll(async () => {
    await broker.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  test('stand in files hold what was written, in order, until all is read', async () => {
    const client = await RawClient.open(broker.port)
    const from = Array.from({ length: partitions }, () => 0)
    let rounds = 0
    while (from.some((offset) => offset < batches)) {
      const body = await client.request(fetch, 12, fetchOf('long', 8_000_000, from))
      const found = await valuesIn(body)
      expect(found.some(({ length }) => length > 0)).toBe(true)
      found.forEach((values, partition) => {
        for (const value of values) {
          expect(value === valueAt(partition, from[partition]!)).toBe(true)
          from[partition]!++
        }
      })
      expect(++rounds).toBeLessThan(100)
    }
    client.close()
  })

  test('come in the order of their requests, to one who reads late', async () => {
    const client = await RawClient.open(broker.port)
    client.socket.pause()
    const asked = [0, 1, 2, 3].flatMap(() => [
      { api: fetch, version: 12, ...client.frameOf(fetch, 12, fetchOf('long', 50_000_000)) },
      { api: apiVersions, version: 3, ...client.frameOf(apiVersions, 3, software) },
    ])
    client.socket.write(Buffer.concat(asked.map(({ bytes }) => bytes)))
    // Another client is served while this one does not read.
    const other = await RawClient.open(broker.port)
    const small = fetchOf('long', 8_000_000)
    expect((await valuesIn(await other.request(fetch, 12, small)))[0]!.length).toBeGreaterThan(10)
    other.close()
    client.socket.resume()
    for (const { api, version, correlationId } of asked) {
      const frame = await client.nextFrame()
      const { correlationId: answered, body } = readResponse(api, version, frame!)
      expect(answered).toBe(correlationId)
      if (api === fetch) {
        const found = await valuesIn(body)
        found.forEach((values, partition) => {
          expect(values.length).toBeGreaterThan(10)
          expect(values.every((value, n) => value === valueAt(partition, n))).toBe(true)
        })
      }
    }
    client.close()
  })

  test('are all sent to one who has ended its own side', async () => {
    const client = await RawClient.open(broker.port)
    client.socket.end(client.frameOf(fetch, 12, fetchOf('long', 50_000_000)).bytes)
    const frame = await client.nextFrame()
    expect((await valuesIn(readResponse(fetch, 12, frame!).body))[11]!.length).toBeGreaterThan(10)
    expect(await client.nextFrame()).toBeNull()
    client.close()
  })

  test('break off, and nothing else does, when their reader or their topic goes', async () => {
    const begun = async () => {
      const client = await RawClient.open(broker.port)
      client.socket.write(client.frameOf(fetch, 12, fetchOf('doomed', 50_000_000)).bytes)
      await once(client.socket, 'data')
      client.socket.pause()
      return client
    }
    const [leaver, stayer] = [await begun(), await begun()]
    const other = await RawClient.open(broker.port)
    leaver.close()
    const deletion = { topics: [], topicNames: ['doomed'], timeoutMs: 10_000 }
    await other.request(deleteTopics, 5, deletion)
    stayer.socket.resume()
    const frame = await stayer.nextFrame()
    // Either everything, because open files outlive their names, or an end that no client takes
    // for one.
    if (frame !== null) {
      const { body } = readResponse(fetch, 12, frame)
      for (const values of await valuesIn(body)) expect(values.length).toBeGreaterThan(10)
    }
    expect(
      (await valuesIn(await other.request(fetch, 12, fetchOf('long', 1 << 20))))[0],
    ).not.toEqual([])
    for (const one of [stayer, other]) one.close()
  })
})
