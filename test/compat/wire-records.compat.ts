import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { answerScenarios } from './wire/answers.ts'
import { compareAll } from './wire/compare.ts'
import { timeScenarios } from './wire/times.ts'

/**
 * Like `wire`, for invalid timestamps, batches that decompress to much, and the order of answers.
 */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} keeps records as Kafka does`, () => {
  compareAll([...timeScenarios, ...answerScenarios], {
    'transaction.state.log.num.partitions': 4,
    'log.retention.ms': -1,
    'socket.request.max.bytes': 200_000_000,
  })
})
