import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorName } from '../../src/protocol/errors.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../src/protocol/messages/20-delete-topics.ts'
import { writeBatch } from '../../src/protocol/records/record.ts'
import { Broker } from '../../src/server/broker.ts'
import { RawClient } from './raw-client.ts'

/** Longer than any test: an answer before that has another reason. */
const longMs = 60_000
const shortMs = 150
const nobodysId = 'nobodysIdAAAAAAAAAAAAA'

/**
 * Expected values are those of Apache Kafka 4.4.0; `test/compat/wire-fetch.compat.ts` compares many
 * more.
 */
describe.each(['memory', 'disk'])('fetches, of a broker in %s', (where) => {
  let dataDir: string
  let broker: Broker
  let client: RawClient

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'fetch-waits-'))
    broker = await Broker.start({ port: 0, ...(where === 'disk' ? { dataDir } : { memory: true }) })
    client = await RawClient.open(broker.port)
  })
  afterEach(async () => {
    client.close()
    await broker.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  async function topic(name: string): Promise<string> {
    const draft = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    const made = await client.request(createTopics, 7, { topics: [draft], timeoutMs: 10_000 })
    return made.topics[0]!.topicId
  }
  const remove = (name: string) =>
    client.request(deleteTopics, 6, { topics: [{ name }], timeoutMs: 10_000 })
  const of = (topicId: string, more: object = {}) => ({
    topicId,
    partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20, ...more }],
  })
  async function ask(topics: ReturnType<typeof of>[], more: object = {}, by = client) {
    const startMs = performance.now()
    const asked = { maxWaitMs: longMs, minBytes: 1, topics, forgottenTopicsData: [], ...more }
    const answer = await by.request(fetch, 17, asked)
    const errors = answer.responses.flatMap(({ partitions }) =>
      partitions.map(({ errorCode }) => errorName(errorCode)),
    )
    const { sessionId, responses } = answer
    const tookMs = performance.now() - startMs
    return { error: errorName(answer.errorCode), errors, sessionId, responses, tookMs }
  }
  async function send(topicId: string, count: number): Promise<void> {
    const record = { key: null, value: Buffer.alloc(50), timestampMs: Date.now() }
    const records = writeBatch({ records: Array.from({ length: count }, () => record) })
    const topicData = [{ topicId, partitionData: [{ index: 0, records }] }]
    const asked = { transactionalId: null, acks: -1, timeoutMs: 5_000, topicData }
    await client.request(produce, 13, asked)
  }

  test('what cannot be had is told when the wait for the others is over, last; alone at once', async () => {
    const good = await topic('good')
    const beside = await ask([of(nobodysId), of(good)], { maxWaitMs: shortMs })
    expect(beside.errors).toEqual(['NONE', 'UNKNOWN_TOPIC_ID'])
    expect(beside.tookMs).toBeGreaterThan(shortMs - 10)
    expect((await ask([of(nobodysId)])).errors).toEqual(['UNKNOWN_TOPIC_ID'])
    const elsewhere = await ask([of(good, { partition: 9 }), of(good)], { maxWaitMs: shortMs })
    expect(elsewhere.errors).toEqual(['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
    expect(elsewhere.tookMs).toBeGreaterThan(shortMs - 10)
    expect((await ask([of(good), of(good, { fetchOffset: 1 })])).errors).toEqual([
      'OFFSET_OUT_OF_RANGE',
    ])
  })

  test('a topic that is deleted ends the wait', async () => {
    const gone = await topic('gone')
    // On one connection the Fetch certainly arrives first, and it blocks nothing behind it.
    const waiting = ask([of(gone)])
    const removed = remove('gone')
    expect((await waiting).errors).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
    await removed
  })

  test('a session knows a topic by the name that its id had', async () => {
    const first = await topic('again')
    const now = { maxWaitMs: 0 }
    const { sessionId } = await ask([of(first)], { sessionEpoch: 0, ...now })
    await remove('again')
    expect((await ask([], { sessionId, sessionEpoch: 1 })).errors).toEqual([
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    await topic('again')
    expect((await ask([], { sessionId, sessionEpoch: 2 })).errors).toEqual([
      'INCONSISTENT_TOPIC_ID',
    ])
    expect((await ask([of(first)])).errors).toEqual(['UNKNOWN_TOPIC_ID'])
    const forgottenTopicsData = [{ topicId: first, partitions: [0] }]
    const last = await ask([], { sessionId, sessionEpoch: 3, forgottenTopicsData })
    expect([last.error, last.responses]).toEqual(['NONE', []])
  })

  test('a session of nothing is one', async () => {
    const good = await topic('good')
    await send(good, 1)
    const { sessionId } = await ask([], { sessionEpoch: 0 })
    expect(sessionId).toBeGreaterThan(0)
    expect((await ask([of(good)], { sessionId, sessionEpoch: 1 })).errors).toEqual(['NONE'])
  })

  test('who waits in a session loses it to another connection, and not to a request behind', async () => {
    const good = await topic('good')
    const { sessionId } = await ask([of(good)], { sessionEpoch: 0, maxWaitMs: 0 })
    const waiting = ask([], { sessionId, sessionEpoch: 1, maxWaitMs: shortMs })
    const behind = ask([], { sessionId, sessionEpoch: 2, maxWaitMs: 0 })
    expect([(await waiting).error, (await behind).error]).toEqual(['NONE', 'NONE'])
    const late = ask([], { sessionId, sessionEpoch: 3, maxWaitMs: shortMs })
    const other = await RawClient.open(broker.port)
    // The two may arrive in any order: the epochs decide.
    let error = 'INVALID_FETCH_SESSION_EPOCH'
    while (error === 'INVALID_FETCH_SESSION_EPOCH') {
      error = (await ask([], { sessionId, sessionEpoch: 4, maxWaitMs: 0 }, other)).error!
    }
    expect([(await late).error, error]).toEqual(['INVALID_FETCH_SESSION_EPOCH', 'NONE'])
    other.close()
  })

  test('numbers that make no sense get the errors that Kafka gives', async () => {
    const good = await topic('good')
    await send(good, 1)
    const failed = 'UNKNOWN_SERVER_ERROR'
    expect((await ask([of(good, { partitionMaxBytes: -1 })])).errors).toEqual([failed])
    expect((await ask([of(good)], { maxBytes: -1 })).errors).toEqual([failed])
    expect((await ask([of(good, { currentLeaderEpoch: -2 })])).errors).toEqual(['NONE'])
    expect((await ask([of(good)], { isolationLevel: 2 })).error).toEqual(failed)
    expect((await ask([of(nobodysId)], { isolationLevel: 2 })).error).toEqual('NONE')
  })

  test('whole batches that fill less than was asked for are no reason to wait', async () => {
    const good = await topic('good')
    for (let i = 0; i < 3; i++) await send(good, 10)
    const { responses } = await ask([of(good, { partitionMaxBytes: 1000 })], { minBytes: 1000 })
    expect(responses[0]!.partitions[0]!.records!.length).toBeLessThan(1000)
  })
})
