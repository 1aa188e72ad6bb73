import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { startBroker, startKafka, type Target, targetName } from './targets.ts'
import { groupScenarios } from './wire/groups.ts'
import { offsetScenarios } from './wire/offsets.ts'
import { Peer } from './wire/peer.ts'
import { recordScenarios } from './wire/records.ts'
import { topicScenarios } from './wire/topics.ts'

const scenarios = [...topicScenarios, ...recordScenarios, ...groupScenarios, ...offsetScenarios]

/**
 * Every version of a request, right and wrong, to our broker and to Apache Kafka: both must give the
 * same answer, but for what each chose by itself. Clients speak only the newest versions; this is the judge of the others.
 */
describe.skipIf(inject('javaMissing') !== null)(`${targetName} answers as Kafka does`, () => {
  let ours: Target
  let theirs: Target
  const settings = {
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'message.max.bytes': 200_000,
  }
  beforeAll(async () => {
    ;[ours, theirs] = await Promise.all([startBroker({ settings }), startKafka({ settings })])
  })
  afterAll(() => Promise.all([ours?.close(), theirs?.close()]))

  const cases = scenarios.flatMap(({ api, title, run }) => {
    const [first, last] = api.versions
    const stable = Math.min(last, api.stableMax ?? last)
    return Array.from({ length: stable - first + 1 }, (_, i) => {
      const version = first + i
      const name = `${api.name}${title === undefined ? '' : `, ${title},`} v${version}`
      return [name, { version, run }] as const
    })
  })

  test.each(cases)('%s', async (_, { version, run }) => {
    const [mine, real] = await Promise.all(
      [ours, theirs].map(async (target) => {
        const peer = new Peer(target)
        try {
          await run(peer, version)
        } finally {
          peer.close()
        }
        return peer.transcript
      }),
    )
    const differing = real!.flatMap((exchange, i) =>
      JSON.stringify(exchange) === JSON.stringify(mine![i])
        ? []
        : [{ asked: exchange.asked, kafka: exchange.answered, ours: mine![i]?.answered }],
    )
    expect(differing.map(({ asked, ours }) => ({ asked, answered: ours }))).toEqual(
      differing.map(({ asked, kafka }) => ({ asked, answered: kafka })),
    )
    expect(mine!.length).toBe(real!.length)
  })
})
