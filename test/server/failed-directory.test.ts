import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { errorCode, errorName } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { Batch, batchesIn } from '../../src/protocol/records/batch.ts'
import { readRecords, writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { RawClient } from './raw-client.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

const name = 'jbod'
const partitions = [0, 1, 2, 3]

/** Starts a broker with two directories, and a client. */
async function start(dirs: readonly string[]) {
  const broker = await Broker.start({
    port: 0,
    settings: { 'log.dirs': dirs.join(','), 'log.flush.offset.checkpoint.interval.ms': '20' },
  })
  const client = await RawClient.open(broker.port)
  const stop = async () => {
    client.close()
    await broker.stop()
  }
  undo.push(stop)
  const write = async (index: number, value: string) => {
    const record = { key: null, value: Buffer.from(value), timestampMs: 1 }
    const { responses } = await client.request(produce, 9, {
      ...{ transactionalId: null, acks: -1, timeoutMs: 1_000 },
      topicData: [{ name, partitionData: [{ index, records: writeBatch({ records: [record] }) }] }],
    })
    return errorName(responses[0]!.partitionResponses[0]!.errorCode)
  }
  const read = async (index: number) => {
    const asked = { partition: index, fetchOffset: 0, partitionMaxBytes: 1e6 }
    const { responses } = await client.request(fetch, 12, {
      ...{ maxWaitMs: 0, minBytes: 0, maxBytes: 1e6, isolationLevel: 0 },
      topics: [{ topic: name, partitions: [asked] }],
    })
    const { errorCode: code, records } = responses[0]!.partitions[0]!
    if (code !== 0) return errorName(code)
    const batches = [...batchesIn(Buffer.concat([records as unknown as Buffer].flat()))]
    const found = await Promise.all(batches.map((one) => readRecords(new Batch(one.slice))))
    return found.flat().map(({ value }) => value?.toString())
  }
  const leaders = async () => {
    const { topics } = await client.request(metadata, 12, { topics: [{ name }] })
    const all = topics[0]!.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    return all.map(({ leaderId }) => leaderId >= 0)
  }
  return { client, stop, write, read, leaders }
}

test('a directory that failed comes back at a later start with all that was acknowledged', async () => {
  const root = mkdtempSync(join(tmpdir(), 'odradek-'))
  undo.push(() => rmSync(root, { recursive: true, force: true }))
  const dirs = [join(root, 'one'), join(root, 'two')]
  for (const dir of dirs) mkdirSync(dir)
  const lost = dirs[1]!
  const first = await start(dirs)
  const made = await first.client.request(createTopics, 7, {
    topics: [{ name, numPartitions: 4, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  expect(made.topics[0]!.errorCode).toBe(errorCode('NONE'))
  for (const index of partitions) expect(await first.write(index, `a${index}`)).toBe('NONE')
  const held = readdirSync(lost).filter((one) => one.startsWith(`${name}-`))
  const isLost = partitions.map((index) => held.includes(`${name}-${index}`))
  expect(isLost.filter(Boolean)).toHaveLength(2)

  renameSync(lost, `${lost}.gone`)
  writeFileSync(lost, '')
  await expect.poll(first.leaders, { timeout: 10_000 }).toEqual(isLost.map((one) => !one))
  for (const index of partitions) {
    expect(await first.write(index, `b${index}`)).toBe(
      isLost[index] ? 'KAFKA_STORAGE_ERROR' : 'NONE',
    )
  }
  await first.stop()

  const second = await start(dirs)
  expect(await second.leaders()).toEqual(isLost.map((one) => !one))
  for (const index of partitions) await second.write(index, `c${index}`)
  await second.stop()

  rmSync(lost)
  renameSync(`${lost}.gone`, lost)
  const third = await start(dirs)
  expect(await third.leaders()).toEqual([true, true, true, true])
  for (const index of partitions) {
    expect(await third.write(index, `d${index}`)).toBe('NONE')
    const values = isLost[index] ? ['a', 'd'] : ['a', 'b', 'c', 'd']
    expect(await third.read(index)).toEqual(values.map((value) => `${value}${index}`))
  }
})

test.each([
  [
    'throws',
    () => {
      throw new Error('planted')
    },
  ],
  ['rejects', () => Promise.reject(new Error('planted'))],
])('a broker whose onHalt %s is stopped, and nothing else ends', async (_, onHalt) => {
  const root = mkdtempSync(join(tmpdir(), 'odradek-'))
  undo.push(() => rmSync(root, { recursive: true, force: true }))
  const dir = join(root, 'only')
  const called = vi.fn(onHalt)
  const settings = { 'log.flush.offset.checkpoint.interval.ms': 20 }
  const broker = await Broker.start({ port: 0, dataDir: dir, settings, onHalt: called })
  undo.push(() => broker.stop())
  renameSync(dir, `${dir}.gone`)
  writeFileSync(dir, '')
  await expect.poll(() => broker.brokers[0]!.isRunning, { timeout: 10_000 }).toBe(false)
  expect(called).toHaveBeenCalledTimes(1)
})
