import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Life } from './controller/life.ts'
import {
  electionScripts,
  type LifeScript,
  lifeScripts,
  silentScripts,
} from './controller/life-scripts.ts'
import {
  type ControllerSettings,
  type ControllerSide,
  startKafkaController,
  startOdradekController,
} from './controller/sides.ts'

/** Each script against both controllers: the same answers, and the same records in the log. */
function compare(scripts: readonly LifeScript[], settings: ControllerSettings): void {
  let sides: ControllerSide[] = []
  beforeAll(async () => {
    sides = await Promise.all([startOdradekController(settings), startKafkaController(settings)])
  })
  afterAll(() => Promise.all(sides.map((side) => side.close())))

  test.each(scripts.map((script) => [script.title, script] as const))('%s', async (_, script) => {
    const [ours, theirs] = await Promise.all(
      sides.map(async (side) => {
        const life = new Life(side)
        await life.begin()
        await script.run(life)
        return { answers: life.transcript, records: await life.written() }
      }),
    )
    expect(ours!.answers).toEqual(theirs!.answers)
    expect(ours!.records).toEqual(theirs!.records)
  })
}

describe.skipIf(inject('javaMissing') !== null)('brokers of a controller', () => {
  describe('that are heard of', () => {
    compare(lifeScripts, { 'broker.session.timeout.ms': '600000' })
  })
  describe('that fall silent', () => {
    compare(silentScripts, { 'broker.session.timeout.ms': '1500' })
  })
  describe('that looks for elections', () => {
    compare(electionScripts, {
      'broker.session.timeout.ms': '600000',
      'leader.imbalance.check.interval.seconds': '1',
      'unclean.leader.election.interval.ms': '1000',
    })
  })
})
