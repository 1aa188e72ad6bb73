import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { compareAll } from './wire/compare.ts'
import { sweepScenarios } from './wire/sweep.ts'

/**
 * Every field of every request, one at a time, with an invalid value: some 6,000 requests to both
 * brokers.
 */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} is swept as Kafka is`, () => {
  compareAll(sweepScenarios, {
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    // Some records are of 2023.
    'log.retention.ms': -1,
  })
})

const ofAcls: ReadonlySet<number> = new Set([29, 30, 31])

describe.skipIf(inject('javaMissing') !== null)('with an authorizer', () => {
  compareAll(
    sweepScenarios.filter(({ api }) => ofAcls.has(api.key)),
    {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'group.initial.rebalance.delay.ms': 0,
      'offsets.topic.num.partitions': 4,
      'transaction.state.log.num.partitions': 4,
    },
  )
})
