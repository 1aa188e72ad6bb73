import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { errorCode } from '../../src/protocol/errors.ts'
import { readResponse } from '../../src/protocol/frame.ts'
import { type ProduceResponse, produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import { Partition } from '../../src/replication/partition.ts'
import { Broker } from '../../src/server/broker.ts'
import { MemoryDisk } from '../../src/storage/memory-disk.ts'
import { NodeFile } from '../../src/storage/node-file.ts'
import { RawClient } from './raw-client.ts'

/**
 * Large enough for memory of the buffer pool, and always the same size, so that memory is reused at
 * once.
 */
const valueBytes = 20_000
const recordsOf = (letter: string) => {
  const value = Buffer.alloc(valueBytes, letter)
  return writeBatch({ records: [{ key: null, value, timestampMs: 1 }] })
}
const requestOf = (...topics: readonly (readonly [string, string])[]) => ({
  acks: -1,
  timeoutMs: 10_000,
  topicData: topics.map(([name, letter]) => ({
    name,
    partitionData: [{ index: 0, records: recordsOf(letter) }],
  })),
})

let dataDir: string
let undo: (() => unknown)[]
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'odradek-frames-'))
  undo = [() => rmSync(dataDir, { recursive: true, force: true })]
})
afterEach(async () => {
  vi.restoreAllMocks()
  for (const step of undo.reverse()) await step()
})

async function started(
  disk: string,
  settings: Readonly<Record<string, number>> = {},
): Promise<{ broker: Broker; client: RawClient }> {
  const where = disk === 'memory' ? { memory: true } : { dataDir }
  const broker = await Broker.start({ port: 0, settings, ...where })
  undo.push(() => broker.stop())
  const client = await RawClient.open(broker.port)
  undo.push(() => client.close())
  const one = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  await client.request(createTopics, 5, {
    topics: ['a', 'bad', 'z'].map((name) => ({ name, ...one })),
  })
  return { broker, client }
}

/** Delays writes to the log of topic `a`, as on a slow disk; `end` continues them. */
function slowWrites(disk: string) {
  const waiting: (() => void)[] = []
  let begun!: () => void
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const file = disk === 'memory' ? new MemoryDisk(Date.now).file('/x') : null
  const owner = (file === null ? NodeFile.prototype : Object.getPrototypeOf(file)) as NodeFile
  const write = owner.write
  vi.spyOn(owner, 'write').mockImplementation(function (this: NodeFile, chunks, position) {
    if (!/\ba-0\b.*\.log$/.test(this.path)) return write.call(this, chunks, position)
    return new Promise<void>((resolve, reject) => {
      waiting.push(() => {
        Promise.resolve(write.call(this, chunks, position)).then(() => resolve(), reject)
      })
      begun()
    })
  })
  return {
    hasBegun,
    end: () => {
      for (const go of waiting.splice(0)) go()
    },
  }
}

async function lettersOf(client: RawClient, topic: string): Promise<string[]> {
  const asked = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }
  const o = { maxWaitMs: 0, minBytes: 0, isolationLevel: 0, maxBytes: 1 << 20 }
  const topics = [{ topic, partitions: [asked] }]
  const { responses } = await client.request(fetch, 11, { ...o, topics })
  const found: string[] = []
  for (const batch of batchesIn(responses[0]!.partitions[0]!.records ?? Buffer.alloc(0))) {
    for (const { value } of await readRecords(batch)) {
      found.push(value!.every((byte) => byte === value![0]) ? String.fromCharCode(value![0]!) : '?')
    }
  }
  return found
}

describe.each(['memory', 'real'])('the memory of a Produce request, on a %s disk', (disk) => {
  test('is not used again while it is being written, though another partition fails by a bug', async () => {
    const { broker, client } = await started(disk)
    const append = Partition.prototype.append
    vi.spyOn(Partition.prototype, 'append').mockImplementation(function (
      this: Partition,
      ...given
    ) {
      if (this.topic === 'bad') throw new TypeError('planted')
      return append.apply(this, given)
    })
    const slow = slowWrites(disk)
    const frame = client.frameOf(produce, 9, requestOf(['a', 'a'], ['bad', 'b']))
    client.socket.write(frame.bytes)
    await slow.hasBegun
    // Requests of the same size on another connection need memory meanwhile.
    const other = await RawClient.open(broker.port)
    undo.push(() => other.close())
    for (let i = 0; i < 20; i++) await other.request(produce, 9, requestOf(['z', 'z'], ['z', 'y']))
    slow.end()
    const { body } = readResponse(produce, 9, (await client.nextFrame())!)
    const codes = (body as ProduceResponse).responses.map(
      ({ name, partitionResponses }) => [name, partitionResponses[0]!.errorCode] as const,
    )
    expect(new Map(codes)).toEqual(
      new Map([
        ['a', 0],
        ['bad', errorCode('UNKNOWN_SERVER_ERROR')],
      ]),
    )
    expect(await lettersOf(client, 'a')).toEqual(['a'])
  })
})

test('queued.max.request.bytes: no more requests are read while so much of them is held', async () => {
  const requestBytes = recordsOf('a').length
  const [connections, each, heldMax] = [8, 40, 20 * requestBytes]
  const settings = { 'socket.request.max.bytes': heldMax, 'queued.max.request.bytes': heldMax }
  const { broker } = await started('memory', settings)
  const slow = slowWrites('memory')
  const append = vi.spyOn(Partition.prototype, 'append')
  const clients = await Promise.all(
    Array.from({ length: connections }, () => RawClient.open(broker.port)),
  )
  undo.push(() => {
    for (const client of clients) client.close()
  })
  for (const client of clients) {
    for (let i = 0; i < each; i++) {
      client.socket.write(client.frameOf(produce, 9, requestOf(['a', 'a'])).bytes)
    }
  }
  await slow.hasBegun
  // Broker and client share the process: after enough turns of the loop the broker has read all
  // that it wants.
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve))
  expect(append.mock.calls.length).toBeGreaterThan(heldMax / requestBytes / 2)
  expect(append.mock.calls.length).toBeLessThanOrEqual(heldMax / requestBytes + connections)
  slow.end()
  let answered = 0
  const all = clients.map(async (client) => {
    for (let i = 0; i < each; i++) {
      expect(await client.nextFrame()).not.toBeNull()
      answered++
    }
  })
  const ended = setInterval(slow.end, 1)
  await Promise.all(all)
  clearInterval(ended)
  expect(answered).toBe(connections * each)
})
