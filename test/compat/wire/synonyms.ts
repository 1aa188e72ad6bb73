import { brokerKeys, topicKeys } from '../../../src/metadata/config/keys.ts'
import { describeConfigs } from '../../../src/protocol/messages/32-describe-configs.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic, settled } from './topics.ts'

const types = { topic: 2, broker: 4 }
const brokerId = '1'
const everyBroker = ''

/** Keys of the same setting in other units, or under another name. */
const families = [
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
]

/** Settings with other effects: a broker with only PLAINTEXT needs none of them. */
const leftAlone = /^(listeners|listener)\b|\.(providers|reporters|class)$/

const dynamic = [...brokerKeys.values()].filter(
  ({ name, update, internal }) =>
    update !== 'read-only' && internal !== true && !leftAlone.test(name),
)

const familyOf = (key: string) => families.find((one) => one.includes(key)) ?? [key]

/** Topic keys whose default comes from a broker key, or from its family. */
const topicKeysOf = (key: string) =>
  [...topicKeys.values()]
    .filter(({ synonym }) => synonym !== undefined && familyOf(key).includes(synonym))
    .map(({ name }) => name)

async function alter(peer: Peer, resourceName: string, key: string, value: string | null) {
  const configs = [{ name: key, configOperation: value === null ? 1 : 0, value }]
  const resources = [{ resourceType: types.broker, resourceName, configs }]
  await peer.ask(incrementalAlterConfigs, 1, { validateOnly: false, resources })
}

async function describeAll(peer: Peer, topic: string, key: string): Promise<void> {
  await settled(peer)
  const resource = (
    resourceType: number,
    resourceName: string,
    keys: readonly string[] | null,
  ) => ({
    ...{ resourceType, resourceName, configurationKeys: keys },
  })
  const ofTopic = topicKeysOf(key)
  await peer.ask(describeConfigs, 4, {
    resources: [
      resource(types.broker, brokerId, familyOf(key)),
      resource(types.broker, everyBroker, null),
      ...(ofTopic.length === 0 ? [] : [resource(types.topic, topic, ofTopic)]),
    ],
    includeSynonyms: true,
    includeDocumentation: false,
  })
}

/** Sets a value for all brokers, one for this broker, and removes both again. */
async function playWith(peer: Peer, topic: string, key: string): Promise<void> {
  const text = brokerKeys.get(key)?.default
  const value = text === null || text === undefined || text === '' ? '7200000' : text
  // Keys that do not affect others are described once, with both values.
  const hasSynonyms = familyOf(key).length > 1 || topicKeysOf(key).length > 0
  await alter(peer, everyBroker, key, value)
  if (hasSynonyms) await describeAll(peer, topic, key)
  await alter(peer, brokerId, key, value === '7200000' ? '3600000' : value)
  await describeAll(peer, topic, key)
  await alter(peer, everyBroker, key, null)
  if (hasSynonyms) await describeAll(peer, topic, key)
  await alter(peer, brokerId, key, null)
}

/** Every setting that can be altered at run time, half of them in each of two passes. */
export const synonymScenarios: readonly Scenario[] = [
  {
    api: incrementalAlterConfigs,
    title: 'synonyms of every setting that changes at run time',
    run: async (peer, version) => {
      const topic = `synonyms.${version}`
      await makeTopic(peer, topic)
      for (const [i, { name }] of dynamic.entries()) {
        if (i % 2 === version) await playWith(peer, topic, name)
      }
    },
  },
]

/** The same with static values under the other names of the families. */
export const familyScenarios: readonly Scenario[] = [
  {
    api: incrementalAlterConfigs,
    title: 'synonyms of settings that have several names',
    run: async (peer, version) => {
      const topic = `families.${version}`
      await makeTopic(peer, topic)
      await describeAll(peer, topic, 'log.retention.ms')
      for (const [key] of families) await playWith(peer, topic, key!)
    },
  },
]
