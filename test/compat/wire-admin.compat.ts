import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { clusterAdminScenarios } from './wire/cluster-admin.ts'
import { compareAll } from './wire/compare.ts'
import { configAdminScenarios } from './wire/config-admin.ts'
import { userAdminScenarios } from './wire/user-admin.ts'

/** As `wire`, over the keys of administrators. */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} administers as Kafka does`, () => {
  compareAll([...clusterAdminScenarios, ...configAdminScenarios, ...userAdminScenarios], {
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
  })
})
