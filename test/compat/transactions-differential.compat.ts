import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { Producer } from './differential/transactional/producer.ts'
import { transactionScenarios } from './differential/transactional/scenarios.ts'
import { prepare, topicOf } from './differential/transactional/side.ts'
import { Twins } from './differential/twins.ts'

const settings = {
  // The records are of 2023: retention would remove them half a minute after the start.
  'log.retention.ms': -1,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 200,
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 3,
  'transaction.state.log.num.partitions': 3,
}

/**
 * Sends the same requests to Apache Kafka and to odradek: the answers must be the same, field by
 * field.
 */
describe.skipIf(inject('javaMissing') !== null)('transactions answer as Apache Kafka does', () => {
  let twins: Twins
  beforeAll(async () => {
    const count = transactionScenarios.length
    twins = await Twins.start(settings, (target) => prepare(target, count))
  }, 120_000)
  afterAll(() => twins?.close())

  const all = transactionScenarios.map(([name, run], index) => [name, index, run] as const)
  test.each(all)('%s', (name, index, run) =>
    twins.compare(name, (session, { target }) =>
      run(new Producer(session, topicOf(index), target.port)),
    ),
  )
})
