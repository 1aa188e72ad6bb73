import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { transactionConfigDefaults as config } from '../../../src/coordinator/transaction/commands.ts'
import { TransactionShard } from '../../../src/coordinator/transaction/shard.ts'
import { unborn } from '../../../src/coordinator/transaction/transaction.ts'
import { ApiError } from '../../../src/protocol/errors.ts'

const transactionalId = 't'
const producer = { producerId: 7, producerEpoch: 3 }
const to = () => {}

/** A shard with one transaction that is open in partition 0 of `topic`. */
function withOpen() {
  const shard = new TransactionShard({ config, logger: silentLogger })
  const transaction = {
    ...unborn(transactionalId, { producerId: 7, timeoutMs: 1000, nowMs: 1 }),
    producerEpoch: 3,
    state: 'Ongoing' as const,
    partitions: new Map([['topic', new Set([0])]]),
    startMs: 1,
    clientTransactionVersion: 2,
  }
  shard.replay({ transactionalId, transaction })
  return { shard, transaction }
}

test('a commit is a record, an answer and an order of markers, as plain data', () => {
  const { shard, transaction } = withOpen()
  const outcome = shard.decide(
    {
      ...{ kind: 'endTransaction', to, transactionalId, ...producer },
      ...{ isCommit: true, transactionVersion: 2, newProducerId: null },
    },
    5,
  )
  const bumped = { producerId: 7, producerEpoch: 4 }
  expect(outcome).toEqual({
    records: [
      {
        transactionalId,
        transaction: {
          ...transaction,
          ...bumped,
          lastProducerEpoch: 3,
          previousProducerId: 7,
          state: 'PrepareCommit',
          lastUpdateMs: 5,
        },
      },
    ],
    replies: [{ to, body: bumped }],
    effects: [
      {
        kind: 'writeMarkers',
        order: {
          ...{ transactionalId, ...bumped, isCommit: true, transactionVersion: 2 },
          topics: [{ topic: 'topic', partitions: [0] }],
        },
      },
    ],
    timers: [],
  })
})

test('a producer without an id waits for one; a fenced one gets its error', () => {
  const { shard } = withOpen()
  const first = {
    kind: 'initProducerId',
    ...{ to, transactionalId: 'other', timeoutMs: 1000, expected: null, newProducerId: null },
  } as const
  const nothing = { records: [], replies: [], effects: [], timers: [] }
  expect(shard.decide(first, 5)).toEqual({
    ...nothing,
    effects: [{ kind: 'takeProducerId', command: first }],
  })
  const partitions = new Map()
  const late = { transactionalId, producerId: 7, producerEpoch: 2, transactionVersion: 2 }
  expect(shard.decide({ kind: 'addPartitions', to, ...late, partitions }, 5)).toEqual({
    ...nothing,
    replies: [{ to, body: new ApiError('PRODUCER_FENCED') }],
  })
})
