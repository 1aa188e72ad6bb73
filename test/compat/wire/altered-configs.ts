import type { ConfigDefinition } from '../../../src/metadata/config/definition.ts'
import {
  brokerKeys,
  clientMetricsKeys,
  groupKeys,
  topicKeys,
} from '../../../src/metadata/config/keys.ts'
import { throttleKeys } from '../../../src/metadata/config/throttle-keys.ts'
import { alterConfigs } from '../../../src/protocol/messages/33-alter-configs.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { described, operations, types } from './config-admin.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic, settled } from './topics.ts'

const { set, delete: remove, append, subtract } = operations

const defaultOf = (one: ConfigDefinition) =>
  one.default === null || one.default === undefined || one.default === '' ? '1' : one.default

/** A valid value, a valid one in unusual notation, and several that are mostly invalid. */
function valuesFor(one: ConfigDefinition): string[] {
  const text = defaultOf(one)
  switch (one.type) {
    case 'BOOLEAN':
      return [text === 'true' ? 'false' : 'true', ' TRUE ', 'yes']
    case 'INT':
    case 'LONG':
    case 'SHORT':
      return [text, ' 7 ', '-1', '2147483647', 'x']
    case 'DOUBLE':
      return [text, ' .5', '-1', 'x']
    case 'LIST':
      return [text, `${text}, `, `${text}, ${text}`, ' a , b ', '']
    default:
      return [text, 'x', '']
  }
}

/** Names that are no broker setting. */
const furtherKeys: readonly ConfigDefinition[] = [
  ...throttleKeys.values(),
  { name: 'listener.name.plaintext.ssl.keystore.location', type: 'STRING' },
  { name: 'listener.name.plaintext.max.connections', type: 'INT' },
  { name: 'listener.name.plaintext.num.network.threads', type: 'INT' },
  { name: 'listener.name.plaintext.plain.sasl.jaas.config', type: 'PASSWORD' },
  { name: 'listener.name.nobody.max.connections', type: 'INT' },
  { name: 'name.of.nothing', type: 'STRING' },
  { name: 'quota.consumer.default', type: 'LONG' },
]

/** Refusals whose messages differ: Kafka's contain object addresses, or vary. */
const ownWords = new Set(['listeners', 'listener.security.protocol.map'])

const altering = (
  peer: Peer,
  resourceType: number,
  resourceName: string,
  validateOnly: boolean,
) => {
  return async (name: string, configOperation: number, value: string | null) => {
    const configs = [{ name, configOperation, value }]
    const resources = [{ resourceType, resourceName, configs }]
    const answer = await peer.quietly(incrementalAlterConfigs, 1, { validateOnly, resources })
    const [{ errorCode, errorMessage }] = answer.responses
    const words = errorCode !== 0 && ownWords.has(name) ? 'WORDS' : errorMessage
    const asked = `${resourceType}/${resourceName} ${name}, operation ${configOperation}, ${JSON.stringify(value)}`
    peer.note(asked, { errorCode, errorMessage: words })
    return errorCode === 0
  }
}

/** Validates only: nothing is altered. */
async function validate(
  peer: Peer,
  type: number,
  name: string,
  definitions: Iterable<ConfigDefinition>,
): Promise<void> {
  const alter = altering(peer, type, name, true)
  for (const one of definitions) {
    for (const value of valuesFor(one)) await alter(one.name, set, value)
    await alter(one.name, remove, null)
    await alter(one.name, append, defaultOf(one))
    await alter(one.name, subtract, defaultOf(one))
  }
}

/** Appends to and subtracts from each list of a resource that has no value of its own for it. */
async function playLists(
  peer: Peer,
  type: number,
  name: string,
  definitions: Iterable<ConfigDefinition>,
): Promise<void> {
  const alter = altering(peer, type, name, false)
  for (const one of definitions) {
    if (one.type !== 'LIST') continue
    const [first = 'a'] = defaultOf(one).split(',')
    for (const [operation, value] of [
      [append, first],
      [append, ` ${first}`],
      [subtract, first],
      [append, `${first},b`],
      [subtract, ''],
    ] as const) {
      if (!(await alter(one.name, operation, value))) continue
      await described(peer)(type, name, [one.name])
      await alter(one.name, remove, null)
      // Kafka's broker validates against the last settings that it has applied.
      await settled(peer)
    }
  }
}

/** Sets a value, describes it, and removes it. */
async function playTyped(
  peer: Peer,
  type: number,
  name: string,
  definitions: Iterable<ConfigDefinition>,
): Promise<void> {
  const alter = altering(peer, type, name, false)
  for (const one of definitions) {
    for (const value of valuesFor(one)) {
      if (!(await alter(one.name, set, value))) continue
      await described(peer)(type, name, [one.name])
      await alter(one.name, remove, null)
    }
  }
}

/** Every way to alter the keys of one resource. */
const all = [validate, playTyped, playLists]

const here = { api: incrementalAlterConfigs, versions: [1] }

/** Lists that are appended to or subtracted from, and their base if the resource has no value. */
export const listScenarios: readonly Scenario[] = [
  {
    ...here,
    title: 'every list of a broker',
    run: async (peer) => {
      const lists = [...brokerKeys.values()].filter(({ name }) => !/listener/.test(name))
      for (const name of ['1', '']) await playLists(peer, types.broker, name, lists)
    },
  },
  {
    ...here,
    title: 'every list of a topic',
    run: async (peer) => {
      await makeTopic(peer, 'lists')
      await playLists(peer, types.topic, 'lists', topicKeys.values())
    },
  },
]

/** Alters every key of every resource, with valid and invalid values. */
export const alteredScenarios: readonly Scenario[] = [
  ...['1', ''].map((name) => ({
    ...here,
    title: `every setting of ${name === '' ? 'all brokers' : 'a broker'}`,
    run: (peer: Peer) =>
      validate(peer, types.broker, name, [...brokerKeys.values(), ...furtherKeys]),
  })),
  {
    ...here,
    title: 'every setting of a topic',
    run: async (peer) => {
      await makeTopic(peer, 'altered')
      await validate(peer, types.topic, 'altered', topicKeys.values())
    },
  },
  {
    ...here,
    title: 'every setting of a group',
    run: async (peer) => {
      for (const play of all) await play(peer, types.group, 'altered', groupKeys.values())
    },
  },
  {
    ...here,
    title: 'every setting of a subscription to client metrics',
    run: async (peer) => {
      for (const play of all) await play(peer, types.metrics, 'altered', clientMetricsKeys.values())
    },
  },
  ...listScenarios,
  {
    api: alterConfigs,
    title: 'every setting of a broker, a group and a subscription',
    versions: [2],
    run: async (peer, version) => {
      for (const [resourceType, resourceName, keys] of [
        [types.broker, '1', [...brokerKeys.values(), ...furtherKeys]],
        [types.group, 'altered', groupKeys.values()],
        [types.metrics, 'altered', clientMetricsKeys.values()],
      ] as const) {
        for (const one of keys) {
          if (ownWords.has(one.name)) continue
          const configs = [{ name: one.name, value: defaultOf(one) }]
          const resources = [{ resourceType, resourceName, configs }]
          await peer.ask(alterConfigs, version, { resources, validateOnly: true })
        }
      }
    },
  },
]
