import { describe, expect, test, vi } from 'vitest'
import { ApiError } from '../../../src/protocol/errors.ts'
import { MemoryLog } from '../group/memory-log.ts'
import { settle } from '../group/stepped-clock.ts'
import { errorOf, transactions } from './transactions.ts'

describe('a transaction of version 2', () => {
  test('is committed in every partition with the next epoch, which the producer is told', async () => {
    const { producer, partitions } = await transactions()
    const p = producer('t')
    expect(await p.init()).toEqual({ producerId: 1000, producerEpoch: 0 })
    expect(await p.state()).toBe('Empty')
    await p.add({ a: [0, 1], b: [2] })
    await p.add({ a: [1] })
    expect(await p.state()).toBe('Ongoing')
    partitions.isHeld = true
    expect(await p.end(true)).toEqual({ producerId: 1000, producerEpoch: 1 })
    expect(await p.state()).toBe('PrepareCommit')
    partitions.release()
    await settle()
    expect(await p.state()).toBe('CompleteCommit')
    const marker = { producerId: 1000, producerEpoch: 1, coordinatorEpoch: 3, isCommit: true }
    expect(partitions.written).toEqual(
      ['a-0', 'a-1', 'b-2'].map((at) => ({ at, transactionVersion: 2, ...marker })),
    )
  })

  test('lets nothing begin while the one before is being completed', async () => {
    const { producer, partitions } = await transactions()
    const p = producer('t')
    await p.init()
    await p.add({ a: [0] })
    partitions.isHeld = true
    await p.end(false)
    expect(await errorOf(p.add({ a: [0] }))).toBe('CONCURRENT_TRANSACTIONS')
    expect(await errorOf(p.verify({ a: [0] }))).toBe('CONCURRENT_TRANSACTIONS')
    expect(await errorOf(producer('t').init())).toBe('CONCURRENT_TRANSACTIONS')
    partitions.release()
    await settle()
    await p.add({ a: [0] })
    expect(partitions.written[0]).toMatchObject({ isCommit: false, producerEpoch: 1 })
  })

  test('ends once: a retry is answered, a late one is fenced', async () => {
    const { coordinator, producer } = await transactions()
    const p = producer('t')
    await p.init()
    const old = { transactionalId: 't', ...p.identity, transactionVersion: 2 }
    await p.add({ a: [0] })
    await p.end(true)
    await settle()
    expect(await coordinator.endTransaction({ ...old, isCommit: true })).toEqual(p.identity)
    expect(await errorOf(coordinator.endTransaction({ ...old, isCommit: false }))).toBe(
      'INVALID_TXN_STATE',
    )
    await p.add({ a: [0] })
    expect(await errorOf(coordinator.endTransaction({ ...old, isCommit: true }))).toBe(
      'PRODUCER_FENCED',
    )
    expect(await p.state()).toBe('Ongoing')
  })

  test('that nothing was added to may be aborted, not committed', async () => {
    const { producer, partitions } = await transactions()
    const p = producer('t')
    await p.init()
    expect(await errorOf(p.end(true))).toBe('INVALID_TXN_STATE')
    expect(await p.end(false)).toEqual({ producerId: 1000, producerEpoch: 1 })
    await settle()
    expect(await p.state()).toBe('CompleteAbort')
    expect(partitions.written).toEqual([])
  })

  test('goes on with a new producer id when the epochs are used up', async () => {
    const { coordinator, producer, log } = await transactions()
    const p = producer('t')
    await p.init()
    await exhaust(p)
    await p.add({ a: [0] })
    const last = { transactionalId: 't', ...p.identity, transactionVersion: 2, isCommit: true }
    expect(last.producerEpoch).toBe(32_766)
    expect(await p.end(true)).toEqual({ producerId: 1001, producerEpoch: 0 })
    await settle()
    expect(await coordinator.endTransaction(last)).toEqual({ producerId: 1001, producerEpoch: 0 })
    const again = await transactions({ log })
    expect(await again.coordinator.describe('t')).toMatchObject({
      producerId: 1001,
      producerEpoch: 0,
      transactionState: 'CompleteCommit',
    })
  }, 30_000)
})

/** Ends transactions until the producer has its last epoch. */
async function exhaust(p: { init: () => Promise<{ producerEpoch: number }> }): Promise<void> {
  while ((await p.init()).producerEpoch < 32_766);
}

describe('a transaction of version 1', () => {
  test('keeps its epoch, and ends as often as it is asked to end the same way', async () => {
    const { producer, partitions } = await transactions()
    const p = producer('t')
    await p.init()
    await p.add({ a: [0] }, 0)
    await p.end(true, 0)
    await settle()
    expect(partitions.written).toMatchObject([{ at: 'a-0', producerEpoch: 0, isCommit: true }])
    await p.end(true, 0)
    expect(await errorOf(p.end(false, 0))).toBe('INVALID_TXN_STATE')
    await p.add({ a: [0] }, 0)
    expect(await p.verify({ a: [0, 1] })).toEqual(new Map([['a', new Set([1])]]))
    await p.end(false, 0)
    await settle()
    expect(partitions.written[1]).toMatchObject({ producerEpoch: 0, isCommit: false })
  })

  test('cannot end before it begins', async () => {
    const { producer } = await transactions()
    const p = producer('t')
    expect(await errorOf(p.end(true, 0))).toBe('INVALID_PRODUCER_ID_MAPPING')
    await p.init()
    expect(await errorOf(p.end(true, 0))).toBe('INVALID_TXN_STATE')
    expect(await errorOf(p.end(false, 0))).toBe('INVALID_TXN_STATE')
  })
})

describe('who begins anew', () => {
  test('has what was left open aborted first, with an epoch that nobody is given', async () => {
    const { producer, partitions } = await transactions()
    const [old, fresh] = [producer('t'), producer('t')]
    await old.init()
    await old.add({ a: [0] })
    expect(await errorOf(fresh.init())).toBe('CONCURRENT_TRANSACTIONS')
    await settle()
    expect(partitions.written).toMatchObject([{ at: 'a-0', producerEpoch: 1, isCommit: false }])
    expect(await fresh.init()).toEqual({ producerId: 1000, producerEpoch: 2 })
    expect(await errorOf(old.add({ a: [0] }))).toBe('PRODUCER_FENCED')
    expect(await errorOf(old.end(true))).toBe('PRODUCER_FENCED')
  })

  test('is refused with an id and epoch of before, but for a retry (KIP-360)', async () => {
    const { producer } = await transactions()
    const p = producer('t')
    const first = { ...(await p.init()) }
    expect(await p.init(first)).toEqual({ producerId: 1000, producerEpoch: 1 })
    expect(await p.init(first)).toEqual({ producerId: 1000, producerEpoch: 1 })
    await p.init(p.identity)
    expect(await errorOf(p.init(first))).toBe('PRODUCER_FENCED')
    expect(await errorOf(p.init({ producerId: 7, producerEpoch: 2 }))).toBe('PRODUCER_FENCED')
  })

  test('gets a new producer id after the last epoch, and so does the retry of who did not hear', async () => {
    const { producer } = await transactions()
    const p = producer('t')
    await p.init()
    await exhaust(p)
    const last = { ...p.identity }
    expect(await p.init(last)).toEqual({ producerId: 1001, producerEpoch: 0 })
    expect(await p.init(last)).toEqual({ producerId: 1001, producerEpoch: 0 })
  }, 30_000)

  test('must name itself and a timeout within bounds', async () => {
    const { producer } = await transactions({ config: { transactionMaxTimeoutMs: 5_000 } })
    expect(await errorOf(producer('', 1).init())).toBe('INVALID_REQUEST')
    expect(await errorOf(producer('t', 0).init())).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(await errorOf(producer('t', 5_001).init())).toBe('INVALID_TRANSACTION_TIMEOUT')
  })
})

describe('time', () => {
  test('aborts what takes too long, and fences its producer', async () => {
    const { producer, partitions, clock } = await transactions()
    const p = producer('t', 15_000)
    await p.init()
    await p.add({ a: [0] })
    await clock.advance(14_000)
    expect(await p.state()).toBe('Ongoing')
    await clock.advance(10_000)
    expect(await p.state()).toBe('CompleteAbort')
    expect(partitions.written).toMatchObject([{ at: 'a-0', producerEpoch: 1, isCommit: false }])
    expect(await errorOf(p.end(true))).toBe('INVALID_TXN_STATE')
    expect(await errorOf(p.add({ a: [0] }))).toBe('PRODUCER_FENCED')
  })

  test('is kept over a restart', async () => {
    const first = await transactions()
    const p = first.producer('t', 15_000)
    await p.init()
    await p.add({ a: [0] })
    const second = await transactions({ log: first.log })
    await second.clock.advance(30_000)
    expect(second.partitions.written).toMatchObject([{ at: 'a-0', isCommit: false }])
  })

  test('forgets ids that nobody uses', async () => {
    const { coordinator, producer, clock, log } = await transactions({
      config: { transactionalIdExpirationMs: 7_200_000 },
    })
    await producer('idle').init()
    await clock.advance(3_600_000)
    const busy = producer('busy')
    await busy.init()
    await clock.advance(3_600_000)
    expect(await errorOf(coordinator.describe('idle'))).toBe('TRANSACTIONAL_ID_NOT_FOUND')
    expect(await busy.state()).toBe('Empty')
    expect(log.batches.at(-1)!.records[0]!.value).toBe(null)
  })
})

describe('markers', () => {
  test('are written by the next coordinator where the one before could not', async () => {
    const first = await transactions()
    first.partitions.refusing.set('a-1', 'NOT_LEADER_OR_FOLLOWER')
    const p = first.producer('t')
    await p.init()
    await p.add({ a: [0, 1] })
    await p.end(true)
    await first.clock.advance(5_000)
    expect(await p.state()).toBe('PrepareCommit')
    const second = await transactions({ log: first.log })
    expect(second.partitions.written.map(({ at }) => at)).toEqual(['a-0', 'a-1'])
    expect((await second.coordinator.describe('t')).transactionState).toBe('CompleteCommit')
  })

  test('are tried again until a partition takes them', async () => {
    const { producer, partitions, clock } = await transactions()
    partitions.refusing.set('a-1', 'KAFKA_STORAGE_ERROR')
    const p = producer('t')
    await p.init()
    await p.add({ a: [0, 1] })
    await p.end(true)
    await clock.advance(1_000)
    expect(await p.state()).toBe('PrepareCommit')
    partitions.refusing.clear()
    await clock.advance(1_000)
    expect(await p.state()).toBe('CompleteCommit')
  })

  test('are not written by a coordinator that is no more', async () => {
    const { coordinator, producer, partitions, clock } = await transactions()
    partitions.refusing.set('a-0', 'NOT_LEADER_OR_FOLLOWER')
    const p = producer('t')
    await p.init()
    await p.add({ a: [0] })
    await p.end(true)
    await settle()
    coordinator.resigned(0)
    partitions.refusing.clear()
    await clock.advance(10_000)
    expect(partitions.written).toEqual([])
    expect(await errorOf(p.add({ a: [0] }))).toBe('NOT_COORDINATOR')
  })

  test('of an outcome that could not be written down are not written', async () => {
    const { producer, partitions, clock, log } = await transactions()
    const p = producer('t')
    await p.init()
    await p.add({ a: [0] })
    log.fail()
    expect(await errorOf(p.end(true))).toBe('NOT_COORDINATOR')
    expect(await errorOf(p.add({ a: [1] }))).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    await clock.advance(1_000)
    expect(partitions.written).toEqual([])
    expect(await p.state()).toBe('Ongoing')
    await p.end(false)
    await settle()
    expect(partitions.written).toMatchObject([{ at: 'a-0', isCommit: false }])
  })
})

test('an outcome that is too large for the log is refused, told nobody, and may be decided anew', async () => {
  const { producer, partitions, log } = await transactions()
  const p = producer('t')
  await p.init()
  await p.add({ a: [0] })
  vi.spyOn(log, 'append').mockImplementationOnce(() => {
    throw new ApiError('MESSAGE_TOO_LARGE')
  })
  expect(await errorOf(p.end(true))).toBe('UNKNOWN_SERVER_ERROR')
  await settle()
  expect(partitions.written).toEqual([])
  expect(await p.state()).toBe('Ongoing')
  await p.end(false)
  await settle()
  expect(partitions.written).toMatchObject([{ at: 'a-0', isCommit: false }])
})

test('transactions are listed by state, producer, duration and name', async () => {
  const { coordinator, producer, clock } = await transactions()
  const [a, b] = [producer('a'), producer('b')]
  await a.init()
  await b.init()
  await b.add({ x: [0] })
  await clock.advance(500)
  const list = async (filter: object) => {
    const all = {
      producerIds: new Set<number>(),
      states: null,
      durationMs: -1,
    }
    const listed = await coordinator.list({ ...all, ...filter })
    return listed.map(({ transactionalId }) => transactionalId).sort()
  }
  expect(await list({})).toEqual(['a', 'b'])
  expect(await list({ states: new Set(['Ongoing']) })).toEqual(['b'])
  expect(await list({ producerIds: new Set([a.identity.producerId]) })).toEqual(['a'])
  expect(await list({ durationMs: 500, states: new Set(['Ongoing']) })).toEqual([])
  expect(await list({ durationMs: 499, states: new Set(['Ongoing']) })).toEqual(['b'])
  coordinator.elected(0, 4, new MemoryLog())
  expect(await errorOf(list({}))).toBe('COORDINATOR_LOAD_IN_PROGRESS')
})

test('a partition that cannot be read has no transactions here; those of others are listed', async () => {
  const { coordinator, producer } = await transactions()
  await producer('t').init()
  const log = new MemoryLog()
  log.isUnreadable = true
  coordinator.elected(1, 1, log)
  await settle()
  const all = { producerIds: new Set<number>(), states: null, durationMs: -1 }
  expect((await coordinator.list(all)).map((one) => one.transactionalId)).toEqual(['t'])
  coordinator.elected(0, 4, log)
  await settle()
  expect(await errorOf(coordinator.describe('t'))).toBe('NOT_COORDINATOR')
  expect(await errorOf(producer('t').init())).toBe('NOT_COORDINATOR')
})
