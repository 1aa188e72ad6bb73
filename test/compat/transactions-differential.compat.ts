import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Session } from './differential/session.ts'
import { Producer } from './differential/transactional/producer.ts'
import { type Scenario, transactionScenarios } from './differential/transactional/scenarios.ts'
import { prepare, type Side, topicOf } from './differential/transactional/side.ts'
import { WireClient } from './differential/wire.ts'
import { startKafka, startOdradek } from './targets.ts'

const settings = {
  // The records are of 2023: retention would remove them half a minute after the start.
  'log.retention.ms': -1,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 200,
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 3,
  'transaction.state.log.num.partitions': 3,
}

/**
 * Sends the same requests to Apache Kafka and to odradek: the answers must be the same, field by
 * field.
 */
describe.skipIf(inject('javaMissing') !== null)('transactions answer as Apache Kafka does', () => {
  let wire: WireClient
  let sides: readonly [Side, Side]
  const compared = { sequences: 0, requests: 0 }

  beforeAll(async () => {
    wire = await WireClient.start()
    const [kafka, odradek] = await Promise.all([
      startKafka({ settings }),
      startOdradek({ settings }),
    ])
    const count = transactionScenarios.length
    sides = [await prepare(kafka, count), await prepare(odradek, count)]
  }, 120_000)

  afterAll(async () => {
    process.stdout.write(`compared ${JSON.stringify(compared)}\n`)
    await wire?.close()
    for (const { target } of sides ?? []) await target.close()
  })

  async function transcript(index: number, [name, run]: Scenario, { target, topicIds }: Side) {
    const { bootstrap } = target
    const session = new Session({ name, target: target.name, wire, bootstrap, topicIds })
    try {
      await run(new Producer(session, topicOf(index), target.port))
    } catch (error) {
      session.note('broken off', String(error))
    }
    return session.end()
  }

  const all = transactionScenarios.map((one, index) => [one[0], index, one] as const)
  test.each(all)('%s', async (_, index, scenario) => {
    const [kafka, odradek] = await Promise.all(
      sides.map((side) => transcript(index, scenario, side)),
    )
    compared.sequences++
    compared.requests += kafka!.requests
    expect(odradek!.lines).toEqual(kafka!.lines)
    expect(kafka!.lines.join()).not.toContain('broken off')
  })
})
