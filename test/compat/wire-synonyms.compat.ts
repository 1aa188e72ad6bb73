import { describe, inject } from 'vitest'
import { isLongForm } from './long-form.ts'
import { targetName } from './targets.ts'
import { compareAll } from './wire/compare.ts'
import { familyScenarios, synonymScenarios } from './wire/synonyms.ts'

/** Like `wire`, for the synonyms in DescribeConfigs of settings that are altered at run time. */
describe.skipIf(inject('javaMissing') !== null)(
  `${targetName} tells synonyms as Kafka does`,
  () => {
    describe('by default', () => compareAll([...synonymScenarios, ...familyScenarios], {}))

    describe.runIf(isLongForm)('with static values', () =>
      compareAll(familyScenarios, {
        'log.retention.minutes': 9000,
        'log.retention.hours': 100,
        'log.roll.hours': 50,
        'log.roll.jitter.hours': 2,
        'log.flush.scheduler.interval.ms': 100000,
      }),
    )
  },
)
