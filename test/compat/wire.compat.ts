import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { compareAll } from './wire/compare.ts'
import { groupScenarios } from './wire/groups.ts'
import { offsetScenarios } from './wire/offsets.ts'
import { recordScenarios } from './wire/records.ts'
import { topicScenarios } from './wire/topics.ts'

const scenarios = [...topicScenarios, ...recordScenarios, ...groupScenarios, ...offsetScenarios]

/**
 * Every version of a request, valid and invalid, to odradek and to Apache Kafka: the answers must
 * be the same, except for values that each broker chooses. Clients use only the newest versions;
 * this suite covers the others.
 */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} answers as Kafka does`, () => {
  compareAll(scenarios, {
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'message.max.bytes': 200_000,
  })
})
