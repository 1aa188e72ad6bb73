import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { clusterAdminScenarios } from './wire/cluster-admin.ts'
import { compareAll, versionsOf } from './wire/compare.ts'
import { configAdminScenarios } from './wire/config-admin.ts'
import { groupScenarios } from './wire/groups.ts'
import { recordScenarios } from './wire/records.ts'
import { topicAdminScenarios } from './wire/topic-admin.ts'
import { topicScenarios } from './wire/topics.ts'
import { typedConfigScenarios } from './wire/typed-configs.ts'
import { userAdminScenarios } from './wire/user-admin.ts'

/** Admin API keys, out of those that `wire` compares. */
const adminKeys = [15, 16, 19, 20, 21, 32, 37, 42, 47, 60, 61, 65, 66, 69]

const here = [
  ...clusterAdminScenarios,
  ...configAdminScenarios,
  ...typedConfigScenarios,
  ...userAdminScenarios,
  ...topicAdminScenarios,
]
const there = [...topicScenarios, ...groupScenarios, ...recordScenarios].filter(({ api }) =>
  adminKeys.includes(api.key),
)

/** Like `wire`, for the admin API keys. */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} administers as Kafka does`, () => {
  const [mine, others] = [here, there].map((all) => all.flatMap(versionsOf).length)
  process.stderr.write(
    `  sequences over administrators' keys: ${mine} here, ${others} in wire, ${mine! + others!} in all\n`,
  )
  compareAll(here, {
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
  })
})
