import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readResponse } from '../../src/protocol/frame.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { newSeeds, seeded } from '../seeded.ts'
import { RawClient } from './raw-client.ts'

const writers = 3
const framesEach = 120

/** A producer sends all frames to one partition at once, so that one read gets many of them. */
async function write(port: number, index: number, random: () => number): Promise<string[]> {
  const client = await RawClient.open(port)
  const values = Array.from({ length: framesEach }, (_, i) =>
    `${index}.${i};`.repeat(1 + Math.floor(random() ** 2 * 20_000)),
  )
  for (const value of values) {
    const records = [{ key: null, value: Buffer.from(value), timestampMs: 1 }]
    const partitionData = [{ index, records: writeBatch({ records }) }]
    const topicData = [{ name: 'kept', partitionData }]
    const { bytes } = client.frameOf(produce, 9, { acks: 1, timeoutMs: 10_000, topicData })
    client.socket.write(bytes)
  }
  for (let i = 0; i < framesEach; i++) {
    const { body } = readResponse(produce, 9, (await client.nextFrame())!)
    expect(body.responses[0].partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: i })
  }
  client.close()
  return values
}

async function read(port: number, partition: number): Promise<string[]> {
  const client = await RawClient.open(port)
  const found: string[] = []
  while (found.length < framesEach) {
    const asked = { partition, fetchOffset: found.length, partitionMaxBytes: 1 << 20 }
    const topics = [{ topic: 'kept', partitions: [asked] }]
    const o = { maxWaitMs: 0, minBytes: 0, isolationLevel: 0, maxBytes: 1 << 20 }
    const { responses } = await client.request(fetch, 11, { ...o, topics })
    const { records } = responses[0]!.partitions[0]!
    expect(records!.length).toBeGreaterThan(0)
    for (const batch of batchesIn(records!)) {
      for (const { value } of await readRecords(batch)) found.push(value!.toString())
    }
  }
  client.close()
  return found
}

/** The memory of large requests is reused once their records are written and they are answered. */
describe.each([
  ['takes everything at once', {}],
  ['makes all wait for a sync', { 'log.flush.interval.messages': 1 }],
])('records of several producers, on a disk that %s', (disk, settings) => {
  const title = `arrive as they were sent: a disk that ${disk} (ODRADEK_SEED=%d)`
  test.each(newSeeds())(title, async (seed) => {
    const random = seeded(seed)
    const dataDir = mkdtempSync(join(tmpdir(), 'odradek-kept-'))
    const broker = await Broker.start({ port: 0, dataDir, settings })
    try {
      const client = await RawClient.open(broker.port)
      const topic = { name: 'kept', numPartitions: writers, replicationFactor: 1 }
      await client.request(createTopics, 5, {
        topics: [{ ...topic, assignments: [], configs: [] }],
      })
      client.close()
      const indexes = Array.from({ length: writers }, (_, index) => index)
      const sent = await Promise.all(indexes.map((index) => write(broker.port, index, random)))
      for (const index of indexes) {
        const found = await read(broker.port, index)
        expect(found.findIndex((value, i) => value !== sent[index]![i])).toBe(-1)
      }
    } finally {
      await broker.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})
