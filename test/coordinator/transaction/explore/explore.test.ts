import { afterEach, describe, expect, test, vi } from 'vitest'
import { TransactionShard } from '../../../../src/coordinator/transaction/shard.ts'
import { explore } from '../../group/explore/explorer.ts'
import { TransactionWorld } from './world.ts'

/** `EXPLORE_STATES` sets a higher limit. */
const statesMax = Number(process.env.EXPLORE_STATES ?? 2500)
const bounds = { depth: 30, statesMax }

const worlds = [
  ['two producers of one id, version 2', { producers: 2, partitions: 2, version: 2 }],
  ['one producer, version 2', { producers: 1, partitions: 2, version: 2 }],
  ['three producers of one id, version 2', { producers: 3, partitions: 1, version: 2 }],
] as const

describe('all interleavings of', () => {
  test.each(worlds)('%s keep what must hold', { timeout: 600_000 }, (name, world) => {
    const { states, transitions, depth } = explore(() => new TransactionWorld(world), bounds)
    if (process.env.EXPLORE_STATES !== undefined) {
      process.stdout.write(`${name}: ${states} states, ${transitions} steps, depth ${depth}\n`)
    }
    expect(states).toBeGreaterThan(1000)
  })
})

/** A checker is trusted only if it finds planted bugs. */
describe('a planted bug is found', () => {
  afterEach(() => void vi.restoreAllMocks())
  const world = (version = 2) => new TransactionWorld({ producers: 2, partitions: 2, version })
  const plant = (method: string, instead: (this: any, ...args: any[]) => unknown) =>
    vi.spyOn(TransactionShard.prototype as any, method).mockImplementation(instead)

  test('a coordinator that takes over does not go on telling the outcome', () => {
    plant('loaded', () => {})
    expect(() => explore(world, bounds)).toThrow(/settle/)
  })

  test('what an older producer left open is not aborted', () => {
    plant('fence', () => true)
    expect(() => explore(world, bounds)).toThrow(/settle/)
  })

  test('a decision changes what only records may change', () => {
    plant('write', function (transaction, out) {
      this.transactions.set(transaction.transactionalId, transaction)
      if (transaction.state !== 'Ongoing') {
        out.records.push({ transactionalId: transaction.transactionalId, transaction })
      }
    })
    expect(() => explore(world, bounds)).toThrow(/the log says/)
  })

  test('a transaction is over before all partitions know its outcome', () => {
    const { endTransaction } = TransactionShard.prototype as any
    plant('endTransaction', function (command, out, nowMs) {
      endTransaction.call(this, command, out, nowMs)
      for (const { order } of out.effects) {
        const [{ topic, partitions }] = order.topics
        order.topics = [{ topic, partitions: partitions.slice(0, 1) }]
      }
    })
    expect(() => explore(world, bounds)).toThrow(/settle|torn|was/)
  })

  test('version 1 tears a transaction when an old EndTxn arrives late: what version 2 is for', () => {
    const one = { producers: 1, partitions: 2, version: 0 }
    const late = () => explore(() => new TransactionWorld(one), { ...bounds, statesMax: 20_000 })
    expect(late).toThrow(/is torn|was aborted, and is committed|was committed, and is aborted/)
  })
})
