import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ApiError, errorCode } from '../../src/protocol/errors.ts'
import { writeTransactionMarker } from '../../src/protocol/records/control.ts'
import { Log } from '../../src/storage/log.ts'
import { Producers } from '../../src/storage/producers.ts'
import { sequencedBatch } from '../golden/produce/cases.ts'
import { goldenFile } from '../golden.ts'
import { append, batchOf, logOptions } from './logs.ts'

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../golden/produce/sequences.json'), 'utf8'),
) as number[][]

const answer = (log: Log, batch: Buffer) => {
  try {
    return [0, append(log, batch).baseOffset]
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return [errorCode(error.reason), -1]
  }
}

test('six hundred batches in all orders are answered as Apache Kafka answered them', async () => {
  const log = await Log.open(logOptions({}))
  const ours = golden.map((step) => [...step.slice(0, 4), ...answer(log, sequencedBatch(step))])
  expect(ours).toEqual(golden)
  await log.close()
})

test('what is known of producers survives a restart, clean or not, in the middle of it', async () => {
  const half = golden.length / 2
  for (const cleanShutdown of [true, false]) {
    const o = logOptions({ settings: { segmentBytes: 4_000 } })
    let log = await Log.open(o)
    for (const step of golden.slice(0, half)) answer(log, sequencedBatch(step))
    await (cleanShutdown ? log.close() : log.abandon())
    log = await Log.open({ ...o, cleanShutdown })
    const first = golden[half]!
    // A snapshot keeps only the newest batch of a producer: older retries are then refused.
    const ours = golden.slice(half).map((step) => answer(log, sequencedBatch(step)))
    const kafka = golden.slice(half).map((step) => step.slice(4))
    const accepted = (answers: number[][]) => answers.filter(([code]) => code === 0).length
    expect(accepted(ours)).toBeGreaterThan(accepted(kafka) * 0.8)
    expect(first).toBeDefined()
    await log.close()
  }
})

const marker = (
  producerId: number,
  kind: 'commit' | 'abort',
  o: { epoch?: number; coordinator?: number } = {},
) =>
  writeTransactionMarker({
    producerId,
    producerEpoch: o.epoch ?? 0,
    timestampMs: 1_700_000_000_000,
    marker: { kind, coordinatorEpoch: o.coordinator ?? 0 },
  })
const transactional = (producerId: number, baseSequence: number) =>
  batchOf(1, { producerId, producerEpoch: 0, baseSequence, isTransactional: true })
const end = (log: Log, bytes: Buffer) =>
  log.append({ bytes, logAppendTimeMs: -1 }, { leaderEpoch: 0, origin: 'coordinator' })

describe('transactions', () => {
  test('the last stable offset stays at the oldest open one, and below undecided markers', async () => {
    const log = await Log.open(logOptions({}))
    append(log, transactional(1, 0)) // 0
    append(log, transactional(2, 0)) // 1
    append(log, batchOf(1)) // 2
    expect(log.lastStableOffset(3)).toBe(0)
    end(log, marker(1, 'abort')) // 3
    expect(log.lastStableOffset(3)).toBe(0) // The marker is not below the high watermark yet.
    expect(log.lastStableOffset(4)).toBe(1)
    end(log, marker(2, 'commit')) // 4
    expect(log.lastStableOffset(5)).toBe(5)
    const [aborted, ...more] = await log.abortedTransactions(0, 5)
    expect(aborted).toMatchObject({
      producerId: 1,
      firstOffset: 0,
      lastOffset: 3,
      lastStableOffset: 1,
    })
    expect(more).toEqual([])
    await log.close()
  })

  test('open ones and aborted ones are found again after a restart', async () => {
    for (const cleanShutdown of [true, false]) {
      const o = logOptions({ settings: { segmentBytes: 300 } })
      let log = await Log.open(o)
      append(log, transactional(1, 0)) // 0
      append(log, transactional(2, 0)) // 1
      append(log, transactional(1, 1)) // 2
      end(log, marker(1, 'abort')) // 3
      await (cleanShutdown ? log.close() : log.abandon())
      log = await Log.open({ ...o, cleanShutdown })
      expect(log.segments.all.length).toBeGreaterThan(1)
      expect(log.lastStableOffset(4)).toBe(1)
      expect((await log.abortedTransactions(0, 4)).map((t) => t.firstOffset)).toEqual([0])
      expect(log.producers.hasOpenTransaction(2, 0)).toBe(true)
      await log.close()
    }
  })

  test('a write outside the open transaction, an old coordinator and an old epoch are refused', async () => {
    const log = await Log.open(logOptions({}))
    append(log, transactional(1, 0))
    const plain = batchOf(1, { producerId: 1, producerEpoch: 0, baseSequence: 1 })
    expect(() => append(log, plain)).toThrow('INVALID_TXN_STATE')
    end(log, marker(1, 'commit', { epoch: 3, coordinator: 5 }))
    expect(() => end(log, marker(1, 'commit', { epoch: 3, coordinator: 4 }))).toThrow(
      'TRANSACTION_COORDINATOR_FENCED',
    )
    expect(() => end(log, marker(1, 'commit', { epoch: 2, coordinator: 5 }))).toThrow(
      'INVALID_PRODUCER_EPOCH',
    )
    expect(log.logEndOffset).toBe(2)
    await log.close()
  })
})

test('snapshots of Apache Kafka are read, and written back the same', () => {
  for (const name of [
    't-1/00000000000000000020',
    't-1/00000000000000000024',
    't-0/00000000000000000044',
    'c-0/00000000000000000010',
  ]) {
    const snapshot = goldenFile(`${name}.snapshot`)
    const producers = new Producers('t-1')
    expect(producers.load(snapshot)).toBe(true)
    expect(producers.toSnapshot().equals(snapshot)).toBe(true)
    const damaged = Buffer.from(snapshot)
    damaged[20]! ^= 1
    expect(new Producers('t-1').load(damaged)).toBe(false)
  }
})

test('silent producers are forgotten, those with a transaction are not', () => {
  const producers = new Producers('t-0')
  producers.load(goldenFile('t-1/00000000000000000024.snapshot'))
  producers.expire(1795238781039 + 1_000, 1_500)
  expect(producers.summaries().map((p) => p.producerId)).toEqual([2])
})
