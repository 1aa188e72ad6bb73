import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { alteredScenarios, listScenarios } from './wire/altered-configs.ts'
import { compareAll } from './wire/compare.ts'
import { describedScenarios, oddSettings } from './wire/described-configs.ts'

/** Like `wire`, for every setting of every resource, and whether it may be altered. */
describe.skipIf(inject('javaMissing') !== null)(
  `${targetName} describes settings as Kafka does`,
  () => {
    describe('with a stock server.properties', () =>
      compareAll([...describedScenarios, ...alteredScenarios], {}, { hasFile: true }))

    describe('with many static settings, typed oddly', () =>
      compareAll([...describedScenarios, ...listScenarios], oddSettings, { hasFile: true }))
  },
)
