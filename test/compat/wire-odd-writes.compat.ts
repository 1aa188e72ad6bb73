import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { absentResourceScenarios } from './wire/absent-resources.ts'
import { compareAll } from './wire/compare.ts'
import { oddWriteScenarios } from './wire/odd-writes.ts'

describe.skipIf(inject('javaMissing') !== null)(
  `${targetName} refuses odd writes as Kafka does`,
  () => {
    compareAll([...oddWriteScenarios, ...absentResourceScenarios], {
      'transaction.state.log.num.partitions': 4,
      // The records are of 2023.
      'log.retention.ms': -1,
    })
  },
)
