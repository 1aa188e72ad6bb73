import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { compareAll } from './wire/compare.ts'
import { fetchWaitScenarios } from './wire/fetch-waits.ts'

/**
 * The end of a Fetch's wait, and the partitions that a fetch session remembers: every error, alone
 * and next to a healthy partition, without a session, in a new one and in an existing one.
 */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} fetches as Kafka does`, () => {
  compareAll(fetchWaitScenarios, {
    'transaction.state.log.num.partitions': 4,
    // The records are of 2023.
    'log.retention.ms': -1,
  })
})
