import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { compareAll } from './wire/compare.ts'
import { telemetryScenarios } from './wire/telemetry.ts'

/** Like `wire`, for client telemetry (KIP-714), which both brokers offer only if configured. */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} takes metrics as Kafka does`, () => {
  compareAll(
    telemetryScenarios,
    { 'metric.reporters': 'TelemetryReceiver', 'odradek.telemetry.enabled': true },
    { withClasses: true },
  )
})
