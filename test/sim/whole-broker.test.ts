import { expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { Batch } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import { Assembly } from '../../src/server/assembly.ts'
import { FaultDisk, type Loss } from '../../src/sim/fault-disk.ts'
import { firstSeeds } from '../seeded.ts'
import { RawClient } from '../server/raw-client.ts'
import { seededRandom } from '../storage/logs.ts'

const seeds = firstSeeds(6)
const partitions = 3
const topic = 't'

function start(disk: FaultDisk, seed: number, isSynced: boolean): Promise<Assembly> {
  return Assembly.build({
    ...{ port: 0, dataDir: '/data', logger: silentLogger, clock: systemClock },
    ...{ random: seededRandom(seed), disk, onHalt: () => {} },
    settings: { 'odradek.sync.before.ack': isSynced, 'log.segment.bytes': 1_048_576 },
  } as Parameters<typeof Assembly.build>[0])
}

const clientOf = (broker: Assembly) => RawClient.open(broker.addressesOf(1)[0]!.port)

const produced = (index: number, value: string) => {
  const timestampMs = systemClock.nowMs()
  const records = writeBatch({ records: [{ key: null, value: Buffer.from(value), timestampMs }] })
  const topicData = [{ name: topic, partitionData: [{ index, records }] }]
  return { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData }
}

/** Produces until the disk fails. @returns the acknowledged values of each partition. */
async function live(broker: Assembly): Promise<string[][]> {
  const acknowledged: string[][] = Array.from({ length: partitions }, () => [])
  const client = await clientOf(broker)
  try {
    const draft = { numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }
    const topics = [{ name: topic, ...draft }]
    const made = await client.request(createTopics, 7, { topics, timeoutMs: 5_000 })
    for (let i = 0; made.topics[0]!.errorCode === 0; i++) {
      const index = i % partitions
      const answer = await client.request(produce, 9, produced(index, `value-${i}`))
      if (answer.responses[0]!.partitionResponses[0]!.errorCode !== 0) break
      acknowledged[index]!.push(`value-${i}`)
    }
  } catch {
    // The broker stopped with its disk.
  } finally {
    client.close()
  }
  return acknowledged
}

/** Returns all values of a partition; none if the partition does not exist. */
async function valuesIn(client: RawClient, partition: number): Promise<string[]> {
  const found: string[] = []
  for (;;) {
    const wanted = { partition, fetchOffset: found.length, partitionMaxBytes: 1 << 20 }
    const { responses } = await client.request(fetch, 11, {
      ...{ replicaId: -1, maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, isolationLevel: 0 },
      ...{ sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] },
      topics: [{ topic, partitions: [wanted] }],
    })
    const bytes = responses[0]!.partitions[0]!.records as Buffer | null
    if (bytes === null || bytes.length === 0) return found
    for (let at = 0; at < bytes.length; ) {
      const batch = new Batch(bytes.subarray(at))
      for (const { value } of await readRecords(batch)) found.push(String(value))
      at += batch.sizeBytes
    }
  }
}

test.each(['process', 'machine'] as const)(
  'a crash of the %s loses nothing that a whole broker acknowledged',
  { timeout: 180_000 },
  async (loss: Loss) => {
    let kept = 0
    for (const seed of seeds) {
      const disk = new FaultDisk(seededRandom(seed))
      const broker = await start(disk, seed, loss === 'machine')
      disk.crashAt = disk.steps + 20 + seededRandom(seed).int(400)
      const acknowledged = await live(broker)
      await broker.close().catch(() => {})
      const again = await start(disk.after(loss), seed + 1, loss === 'machine')
      const client = await clientOf(again)
      for (const [partition, values] of acknowledged.entries()) {
        const found = await valuesIn(client, partition)
        const why = `ODRADEK_SEED=${seed}, partition ${partition}`
        expect(found.slice(0, values.length), why).toEqual(values)
        // One more record may have been written, whose answer was lost.
        expect(found.length - values.length, why).toBeLessThanOrEqual(1)
        kept += values.length
      }
      client.close()
      await again.close()
    }
    expect(kept, `ODRADEK_SEED=${seeds[0]}-${seeds.at(-1)}`).toBeGreaterThan(seeds.length * 5)
  },
)
