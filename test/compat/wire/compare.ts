import { afterAll, beforeAll, expect, test } from 'vitest'
import { compile } from '../kafka/java.ts'
import { type Settings, startBroker, startKafka, type Target } from '../targets.ts'
import { type Exchange, Peer, type PeerTarget } from './peer.ts'
import type { Scenario } from './scenario.ts'

/** The versions of a scenario: all stable ones by default. */
export function versionsOf({ api, versions }: Scenario): readonly number[] {
  if (versions !== undefined) return versions
  const [first, last] = api.versions
  const stable = Math.min(last, api.stableMax ?? last)
  return Array.from({ length: stable - first + 1 }, (_, i) => first + i)
}

/**
 * A test for each scenario and version: two brokers get the same requests and must give the same
 * answers.
 */
export function compareAll(
  scenarios: readonly Scenario[],
  settings: Settings,
  options: { readonly withClasses?: boolean; readonly hasFile?: boolean } = {},
): void {
  let ours: Target
  let theirs: Target
  beforeAll(async () => {
    const classes = options.withClasses === true ? await compile() : undefined
    const both = { settings, classes, hasFile: options.hasFile }
    ;[ours, theirs] = await Promise.all([startBroker(both), startKafka(both)])
  })
  afterAll(() => Promise.all([ours?.close(), theirs?.close()]))

  test.each(casesOf(scenarios))('%s', async (_, { version, scenario }) => {
    const [mine, real] = await Promise.all(
      [ours, theirs].map((target) => transcriptOf(target, scenario, version)),
    )
    expectSame(mine!, real!)
  })
}

/** A case for each scenario and version, with its title. */
export function casesOf(scenarios: readonly Scenario[]) {
  return scenarios.flatMap((scenario) =>
    versionsOf(scenario).map((version) => {
      const { api, title } = scenario
      const name = `${api.name}${title === undefined ? '' : `, ${title},`} v${version}`
      return [name, { version, scenario }] as const
    }),
  )
}

/** Runs a scenario against a broker. @returns what was asked and answered. */
export async function transcriptOf(
  target: PeerTarget,
  { run, isInOrder, answerMs }: Scenario,
  version: number,
): Promise<readonly Exchange[]> {
  const peer = new Peer(target, { isInOrder, answerMs })
  try {
    await run(peer, version)
  } finally {
    peer.close()
  }
  return peer.transcript
}

/** Expects the answers to be Kafka's; a failure shows those that differ. */
export function expectSame(mine: readonly Exchange[], real: readonly Exchange[]): void {
  const differing = real.flatMap((exchange, i) =>
    JSON.stringify(exchange) === JSON.stringify(mine[i])
      ? []
      : [{ asked: exchange.asked, kafka: exchange.answered, ours: mine[i]?.answered }],
  )
  expect(differing.map(({ asked, ours }) => ({ asked, answered: ours }))).toEqual(
    differing.map(({ asked, kafka }) => ({ asked, answered: kafka })),
  )
  expect(mine.length).toBe(real.length)
}
