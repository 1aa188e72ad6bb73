import { describe, inject } from 'vitest'
import { targetName } from './targets.ts'
import { compareAll } from './wire/compare.ts'
import { telemetryScenarios } from './wire/telemetry.ts'

/** As `wire`, over client telemetry (KIP-714), which each broker offers only where it is told to. */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} takes metrics as Kafka does`, () => {
  compareAll(
    telemetryScenarios,
    { 'metric.reporters': 'TelemetryReceiver', 'odradek.telemetry.enabled': true },
    { withClasses: true },
  )
})
