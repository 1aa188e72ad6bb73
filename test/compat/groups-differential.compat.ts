import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { classicScenarios, type Scenario } from './differential/classic.ts'
import { consumerScenarios } from './differential/consumer.ts'
import { largeScenarios } from './differential/large.ts'
import { offsetScenarios } from './differential/offsets.ts'
import { Requests } from './differential/requests.ts'
import { Twins, withTopics } from './differential/twins.ts'

const settings = {
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 100,
  'group.consumer.min.session.timeout.ms': 2000,
  'group.consumer.session.timeout.ms': 2000,
  'group.consumer.heartbeat.interval.ms': 500,
  'group.consumer.min.heartbeat.interval.ms': 500,
  'group.consumer.assignment.interval.ms': 0,
  'group.consumer.max.size': 4,
  'offset.metadata.max.bytes': 64,
  'offsets.topic.num.partitions': 5,
  'message.max.bytes': 20_000,
}

const topics = { t: 2, u: 1, w: 3, many: 400 }

const groups = ['a', 'b', 'c', 'd', 'e']
const prepare = withTopics(topics, async (ask) => {
  // Creates __consumer_offsets, and waits for its coordinator.
  await ask('FindCoordinator', 4, { keyType: 0, coordinatorKeys: ['warm'] })
  return [await ask('DescribeGroups', 5, { groups, includeAuthorizedOperations: false })]
})

/**
 * Sends the same requests to Apache Kafka and to odradek: the answers must be the same, field by
 * field.
 */
describe.skipIf(inject('javaMissing') !== null)('groups answer as Apache Kafka does', () => {
  let twins: Twins
  beforeAll(async () => {
    twins = await Twins.start(settings, prepare)
  })
  afterAll(() => twins?.close())

  const all: readonly Scenario[] = [
    ...classicScenarios,
    ...offsetScenarios,
    ...consumerScenarios,
    ...largeScenarios,
  ]
  test.each(all)('%s', (name, run) => twins.compare(name, (session) => run(new Requests(session))))
})
