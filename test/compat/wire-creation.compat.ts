import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { compareAll } from './wire/compare.ts'
import { creationScenarios, impossibleCreationScenarios } from './wire/creation.ts'

/** Topics that requests create automatically: the first answers, and the later ones. */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} creates as Kafka does`, () => {
  compareAll(creationScenarios, {
    'num.partitions': 3,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
  })
})

describe.skipIf(inject('javaMissing') !== null)(
  `${targetName} fails to create as Kafka does`,
  () => {
    compareAll(impossibleCreationScenarios, { 'default.replication.factor': 3 })
  },
)
