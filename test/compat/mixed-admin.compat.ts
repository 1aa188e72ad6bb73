import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { forwardableHandlers } from '../../src/server/controller/handlers/index.ts'
import { freePort } from './free-port.ts'
import { isLongForm } from './long-form.ts'
import { eve, MirroredCluster } from './mixed/mirror.ts'
import { ownRequests, refusedRequests } from './mixed/refused-requests.ts'
import { SaslClient } from './security/sasl-client.ts'
import { clusterAdminScenarios } from './wire/cluster-admin.ts'
import { casesOf, expectSame, transcriptOf, versionsOf } from './wire/compare.ts'
import { configAdminScenarios } from './wire/config-admin.ts'
import { type Exchange, Peer, type PeerTarget } from './wire/peer.ts'
import { recordScenarios } from './wire/records.ts'
import type { Scenario } from './wire/scenario.ts'
import { sweepScenarios } from './wire/sweep.ts'
import { topicAdminScenarios } from './wire/topic-admin.ts'
import { topicScenarios } from './wire/topics.ts'
import { userAdminScenarios } from './wire/user-admin.ts'

/** Admin API keys, out of those of scenarios about records. */
const adminKeys = [19, 20, 21, 32, 37, 60, 61]

const forwardedKeys: ReadonlySet<number> = new Set(forwardableHandlers.map(({ api }) => api.key))

const scenarios: readonly Scenario[] = [
  ...clusterAdminScenarios,
  ...configAdminScenarios,
  ...userAdminScenarios,
  ...topicAdminScenarios,
  ...[...topicScenarios, ...recordScenarios].filter(({ api }) => adminKeys.includes(api.key)),
  ...(isLongForm ? sweepScenarios.filter(({ api }) => forwardedKeys.has(api.key)) : []),
]

/** The newest version of each scenario, and the oldest; all versions in the long form. */
const shortened = (scenario: Scenario): Scenario => {
  const versions = versionsOf(scenario)
  const ends = [...new Set([versions[0]!, versions.at(-1)!])]
  return { ...scenario, versions: isLongForm ? versions : ends }
}

/** Kafka's text of a denied cluster operation has its request object in it. */
const deniedText = /Request Request\(.*\) needs \w+ permission\./gs

/** Any of the brokers is told as the controller, at random. */
const withoutChance = (transcript: readonly Exchange[]): Exchange[] =>
  transcript.map(({ asked, answered }) => ({
    asked,
    answered: JSON.parse(
      JSON.stringify(answered ?? null).replace(/"controllerId":[12]\b/g, '"controllerId":"ANY"'),
    ),
  }))

/**
 * The same requests to odradek in a cluster of an Apache Kafka controller and broker, and to the
 * Apache Kafka broker of a cluster in which the two have exchanged their places.
 */
describe.skipIf(inject('javaMissing') !== null)('what admins ask of a mixed cluster', () => {
  let ours: MirroredCluster
  let theirs: MirroredCluster

  beforeAll(async () => {
    const advertisedPort = await freePort()
    ;[ours, theirs] = await Promise.all([
      MirroredCluster.start('odradek', advertisedPort),
      MirroredCluster.start('kafka', advertisedPort),
    ])
  }, 240_000)
  afterAll(() => Promise.all([ours?.close(), theirs?.close()]))

  const cases = casesOf(scenarios.map(shortened))
  const refused = refusedRequests('absent')
  const versionsOfRefused = (api: Scenario['api']) => versionsOf({ api, run: async () => {} })
  process.stderr.write(
    `  sequences of requests to a mixed cluster: ${cases.length}, and ` +
      `${refused.reduce((sum, { api }) => sum + versionsOfRefused(api).length, 0)} refusals twice\n`,
  )

  test.each(cases)('%s', async (_, { version, scenario }) => {
    const [mine, real] = await Promise.all(
      [ours, theirs].map(({ asked }) => transcriptOf(asked, scenario, version)),
    )
    expectSame(withoutChance(mine!), withoutChance(real!))
  })

  test('both brokers of one cluster refuse alike', async () => {
    const beside: PeerTarget = { ...ours.asked, port: ours.besidePort }
    const answers = async (target: PeerTarget) => {
      const peer = new Peer(target)
      for (const { api, body } of refused) {
        for (const version of versionsOfRefused(api)) await peer.ask(api, version, body)
      }
      peer.close()
      return withoutChance(peer.transcript)
    }
    expectSame(await answers(ours.asked), await answers(beside))
  })

  test('a user without rights is refused alike', async () => {
    const answers = async ({ loginPort }: MirroredCluster) => {
      const all = [...refusedRequests('absent'), ...ownRequests]
      const client = new SaslClient(loginPort)
      await client.handshake('PLAIN')
      await client.sendToken(Buffer.from(`\0${eve.name}\0${eve.password}`))
      for (const { api, body } of all) {
        for (const version of versionsOfRefused(api)) await client.ask(api, version, body)
      }
      client.close()
      return client.transcript.map((line) =>
        line.replace(deniedText, 'Cluster authorization failed.'),
      )
    }
    const [mine, real] = await Promise.all([answers(ours), answers(theirs)])
    expect(real.length).toBeGreaterThan(60)
    expect(mine).toEqual(real)
  })
})
