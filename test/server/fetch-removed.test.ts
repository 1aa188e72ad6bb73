import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.ts'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Assembly } from '../../src/server/assembly.ts'
import type { File } from '../../src/storage/disk.ts'
import { NodeDisk } from '../../src/storage/node-disk.ts'
import { temporaryDirectory } from '../storage/disks.ts'
import { RawClient } from './raw-client.ts'

const batches = 4
const valueBytes = 300_000

/** Counts the users of files, and can delay reads of some files. */
class WatchedDisk extends NodeDisk {
  holders = 0
  /** Number of acquired files. */
  holds = 0
  waiting = 0
  private gate: { readonly path: string; readonly opened: Promise<void> } | null = null

  /** Delays reads of files below `path` until the returned function is called. */
  stall(path: string): () => void {
    let open = () => {}
    this.gate = { path, opened: new Promise((resolve) => (open = resolve)) }
    const end = () => {
      this.gate = null
      open()
    }
    onTestFinished(end)
    return end
  }

  override file(path: string): File {
    const file = super.file(path)
    const { hold, read } = file
    file.hold = () => {
      this.holders++
      this.holds++
      const release = hold.call(file)
      let isHeld = true
      return () => {
        if (isHeld) this.holders--
        isHeld = false
        release()
      }
    }
    file.read = (position, length) => {
      if (this.gate === null || !path.startsWith(this.gate.path)) {
        return read.call(file, position, length)
      }
      this.waiting++
      return this.gate.opened.then(() => read.call(file, position, length))
    }
    return file
  }
}

/** A broker with two partitions of two segments each, none of which has been read. */
async function start() {
  const dataDir = temporaryDirectory()
  const disk = new WatchedDisk()
  const build = () =>
    Assembly.build({
      ...{ disk, dataDir, port: 0, logger: silentLogger },
      ...{ clock: systemClock, random: systemRandom },
      settings: { 'log.retention.check.interval.ms': 20, 'log.initial.task.delay.ms': 1 },
    })
  const first = await build()
  const client = await RawClient.open(first.addressesOf(1)[0]!.port)
  const { topics } = await client.request(createTopics, 5, {
    topics: [
      {
        ...{ name: 't', numPartitions: 2, replicationFactor: 1, assignments: [] },
        configs: [
          { name: 'segment.bytes', value: String(batches * (valueBytes + 1000)) },
          { name: 'file.delete.delay.ms', value: '0' },
          // A search by time is a reader, too.
          { name: 'retention.ms', value: '-1' },
        ],
      },
    ],
  })
  expect(topics[0]!.errorCode).toBe(0)
  const records = [{ key: null, value: Buffer.alloc(valueBytes, 'x'), timestampMs: Date.now() }]
  for (let n = 0; n < 2 * batches; n++) {
    const partitionData = [0, 1].map((index) => ({ index, records: writeBatch({ records }) }))
    const topicData = [{ name: 't', partitionData }]
    await client.request(produce, 9, { acks: -1, timeoutMs: 1000, topicData })
  }
  client.close()
  await first.close()
  const broker = await build()
  onTestFinished(() => broker.close())
  const { port } = broker.addressesOf(1)[0]!
  /**
   * Deletes the records of the first segment of partition 0, and waits until its file is removed.
   */
  const removeFirst = async () => {
    const other = await RawClient.open(port)
    const partitions = [{ partitionIndex: 0, offset: batches }]
    await other.request(deleteRecords, 2, { topics: [{ name: 't', partitions }], timeoutMs: 1000 })
    const logs = () => readdirSync(join(dataDir, 't-0')).filter((name) => name.includes('.log'))
    await expect.poll(logs, { timeout: 10_000 }).toHaveLength(1)
    other.close()
  }
  return { disk, dataDir, port, client: await RawClient.open(port), removeFirst }
}

/** Waits for more bytes than there ever are, if it may wait. */
const fetchOf = (partitions: readonly number[], fetchOffset = 0, maxWaitMs = 0) => ({
  ...{ maxWaitMs, minBytes: 40_000_000, maxBytes: 50_000_000, isolationLevel: 0 },
  topics: [
    {
      topic: 't',
      partitions: partitions.map((partition) => ({
        ...{ partition, fetchOffset, partitionMaxBytes: 1 << 22 },
      })),
    },
  ],
})

const found = (records: unknown) =>
  [...batchesIn(records as Buffer)].map((batch) => (batch.isIntact() ? batch.baseOffset : 'damage'))

test('a Fetch that has found records sends them, although their segment is removed before', async () => {
  const { disk, dataDir, client, removeFirst } = await start()
  const open = disk.stall(join(dataDir, 't-1'))
  const answer = client.request(fetch, 12, fetchOf([0, 1]))
  await expect.poll(() => disk.waiting).toBeGreaterThan(0)
  await removeFirst()
  open()
  const { partitions } = (await answer).responses[0]!
  for (const { records } of partitions) expect(found(records)).toEqual([0, 1, 2, 3])
  await expect.poll(() => disk.holders).toBe(0)
  client.close()
})

test('so does one that is still looking for them in the segment', async () => {
  const { disk, dataDir, client, removeFirst } = await start()
  const open = disk.stall(join(dataDir, 't-0'))
  const answer = client.request(fetch, 12, fetchOf([0]))
  await expect.poll(() => disk.waiting).toBeGreaterThan(0)
  await removeFirst()
  open()
  expect(found((await answer).responses[0]!.partitions[0]!.records)).toEqual([0, 1, 2, 3])
  await expect.poll(() => disk.holders).toBe(0)
  client.close()
})

test('nobody holds a file who is gone, or waits for more', async () => {
  const { disk, dataDir, client, port } = await start()
  const open = disk.stall(join(dataDir, 't-1'))
  client.socket.write(client.frameOf(fetch, 12, fetchOf([0, 1])).bytes)
  await expect.poll(() => disk.waiting).toBeGreaterThan(0)
  expect(disk.holders).toBeGreaterThan(0)
  client.socket.destroy()
  await once(client.socket, 'close')
  open()
  await expect.poll(() => disk.holders).toBe(0)
  const waits = await RawClient.open(port)
  const { holds } = disk
  // Only the active segment is waited for; a read of another one is answered at once.
  waits.socket.write(waits.frameOf(fetch, 12, fetchOf([0, 1], batches, 600_000)).bytes)
  // One read at the beginning, and one when the wait begins.
  await expect.poll(() => disk.holds).toBe(holds + 4)
  await expect.poll(() => disk.holders).toBe(0)
  waits.close()
})
