import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { apiVersions } from '../../../src/protocol/messages/18-api-versions.ts'
import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../../src/protocol/messages/20-delete-topics.ts'
import { describeConfigs } from '../../../src/protocol/messages/32-describe-configs.ts'
import { createPartitions } from '../../../src/protocol/messages/37-create-partitions.ts'
import { describeCluster } from '../../../src/protocol/messages/60-describe-cluster.ts'
import { until } from '../kafkajs/client.ts'
import type { Peer, PeerTarget } from './peer.ts'
import type { Scenario } from './scenario.ts'

/** An id that no topic has. */
export const nobodysId = 'nobodysIdAAAAAAAAAAAAA'

export const topicDraft = (name: string, more: object = {}) => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
})

/** Creates a topic without noting it. @returns its id. */
export async function makeTopic(peer: Peer, name: string, more: object = {}): Promise<string> {
  await peer.quietly(createTopics, 7, { topics: [topicDraft(name, more)], timeoutMs: 10_000 })
  return peer.usable(name)
}

/** Counted for each broker, so that both have the same topics. */
const barriers = new WeakMap<PeerTarget, number>()

/** Waits until earlier changes are visible: a topic that is created after them exists. */
export async function settled(peer: Peer): Promise<void> {
  const count = barriers.get(peer.target) ?? 0
  barriers.set(peer.target, count + 1)
  const name = `barrier.${count}`
  await peer.quietly(createTopics, 7, { topics: [topicDraft(name)], timeoutMs: 10_000 })
  await until('the barrier is there', async () => {
    const asked = { topics: [{ name }], allowAutoTopicCreation: false }
    return (await peer.quietly(metadata, 12, asked)).topics[0].errorCode === 0
  })
}

const longName = 'n'.repeat(250)

export const topicScenarios: readonly Scenario[] = [
  {
    api: apiVersions,
    run: async (peer, version) => {
      const answer = await peer.quietly(apiVersions, version, {
        clientSoftwareName: 'wire',
        clientSoftwareVersion: '1',
      })
      peer.note('ApiVersions, the keys left aside', { ...answer, apiKeys: [] })
      for (const name of ['', 'a b', '-x', 'x-', 'ok.1']) {
        const asked = { clientSoftwareName: name, clientSoftwareVersion: '1' }
        const { errorCode } = await peer.quietly(apiVersions, version, asked)
        peer.note(`ApiVersions v${version} of client software "${name}"`, errorCode)
      }
    },
  },
  {
    api: metadata,
    run: async (peer, version) => {
      const name = `metadata.${version}`
      const topicId = await makeTopic(peer, name, { numPartitions: 3 })
      const ask = (topics: object[] | null, more: object = {}) =>
        peer.ask(metadata, version, { topics, allowAutoTopicCreation: false, ...more })
      await ask([{ name }])
      await ask([{ name }, { name: 'not a name' }, { name: '' }])
      // Older versions cannot request that the topic is not created.
      if (version >= 4) await ask([{ name }, { name: 'absent' }])
      await ask([{ name: longName }, { name: '.' }, { name: '..' }])
      await ask([{ name }], {
        includeClusterAuthorizedOperations: true,
        includeTopicAuthorizedOperations: true,
      })
      if (version >= 1) await ask([])
      const all = await peer.quietly(metadata, version, { topics: version === 0 ? [] : null })
      peer.note('all topics have the one', {
        ...all,
        topics: all.topics.filter((one: { name: string }) => one.name === name),
      })
      if (version >= 10) {
        await ask([{ topicId, name: null }])
        await ask([{ topicId: nobodysId, name: null }])
        await ask([{ topicId, name }])
        // The request of a Java consumer with an expression, and others that no client sends.
        await ask([{ topicId, name: '' }])
        await ask([{ topicId, name: 'another' }, { name }, { topicId: nobodysId, name }])
      }
    },
  },
  {
    api: metadata,
    title: 'auto-creation',
    run: async (peer, version) => {
      const name = `metadata.auto.${version}`
      // The first answer differs: Kafka says that there is no such topic, and creates it
      // meanwhile.
      await peer.quietly(metadata, version, { topics: [{ name }] })
      await peer.usable(name)
      await peer.ask(metadata, version, { topics: [{ name }] })
      if (version >= 4) {
        const asked = { topics: [{ name: `${name}.not` }], allowAutoTopicCreation: false }
        await peer.ask(metadata, version, asked)
        await peer.ask(metadata, version, asked)
      }
    },
  },
  {
    api: createTopics,
    run: async (peer, version) => {
      const base = `create.${version}`
      const ask = (topics: object[], more: object = {}) =>
        peer.ask(createTopics, version, { topics, timeoutMs: 10_000, ...more })
      await ask([topicDraft(`${base}.a`), topicDraft(`${base}.b`, { numPartitions: 3 })])
      await peer.usable(`${base}.a`)
      await ask([topicDraft(`${base}.a`)])
      await ask([topicDraft(`${base}.c`)], { validateOnly: true })
      await ask([topicDraft(`${base}.a`)], { validateOnly: true })
      await ask([topicDraft(`${base}.d`, { replicationFactor: 2 })])
      await ask([topicDraft(`${base}.e`, { replicationFactor: 0 })])
      await ask([topicDraft(`${base}.f`, { numPartitions: 0 })])
      await ask([topicDraft(`${base}.g`, { numPartitions: -2 })])
      await ask([topicDraft(`${base}.h`, { numPartitions: -1, replicationFactor: -1 })])
      await ask([topicDraft('not a name'), topicDraft(''), topicDraft('.'), topicDraft(longName)])
      await ask([topicDraft(`${base}.twice`), topicDraft(`${base}.twice`), topicDraft(`${base}.x`)])
      await ask([topicDraft(`${base}_a`)]) // collides with the dotted name in metrics
      const placed = { numPartitions: -1, replicationFactor: -1 }
      const at = (partitionIndex: number, ...brokerIds: number[]) => ({ partitionIndex, brokerIds })
      await ask([topicDraft(`${base}.p`, { ...placed, assignments: [at(0, 1), at(1, 1)] })])
      await ask([topicDraft(`${base}.q`, { ...placed, assignments: [at(0, 9)] })])
      await ask([topicDraft(`${base}.r`, { ...placed, assignments: [at(0, 1, 1)] })])
      await ask([topicDraft(`${base}.s`, { ...placed, assignments: [at(1, 1)] })])
      await ask([topicDraft(`${base}.t`, { assignments: [at(0, 1)] })])
      await ask([topicDraft(`${base}.u`, { ...placed, assignments: [at(0)] })])
      const config = (name: string, value: string | null) => ({ configs: [{ name, value }] })
      await ask([topicDraft(`${base}.cleanup`, config('cleanup.policy', 'compact,delete'))])
      await ask([topicDraft(`${base}.no`, config('no.such', '1'))])
      await ask([topicDraft(`${base}.bad`, config('retention.ms', 'many'))])
      await ask([topicDraft(`${base}.low`, config('segment.bytes', '1'))])
      await ask([topicDraft(`${base}.null`, config('retention.ms', null))])
      await ask([topicDraft(`${base}.policy`, config('cleanup.policy', 'sweep'))])
      await ask([])
    },
  },
  {
    api: deleteTopics,
    run: async (peer, version) => {
      const base = `delete.${version}`
      const topicId = await makeTopic(peer, `${base}.a`)
      await makeTopic(peer, `${base}.b`)
      const byName = (...names: string[]) =>
        peer.ask(deleteTopics, version, {
          topics: names.map((name) => ({ name })),
          topicNames: names,
          timeoutMs: 10_000,
        })
      await byName(`${base}.absent`, `${base}.b`)
      await peer.gone(`${base}.b`)
      await byName(`${base}.b`)
      await byName('not a name', '')
      await byName()
      if (version >= 6) {
        const byId = (topics: object[]) =>
          peer.ask(deleteTopics, version, { topics, timeoutMs: 10_000 })
        await byId([{ name: null, topicId: nobodysId }])
        await byId([{ name: `${base}.a`, topicId }])
        const target = { name: null, topicId }
        await byId([target, target])
        await byId([{ name: `${base}.a` }, { name: `${base}.a` }])
        await byId([{ name: `${base}.a` }, target, { name: 'absent' }])
        await byId([target, { name: `${base}.a` }, target])
        await byId([target])
      } else {
        await byName(`${base}.a`, `${base}.a`)
        await byName(`${base}.a`)
      }
    },
  },
  {
    api: createPartitions,
    run: async (peer, version) => {
      const name = `grow.${version}`
      await makeTopic(peer, name)
      const ask = (topics: object[], validateOnly = false) =>
        peer.ask(createPartitions, version, { topics, timeoutMs: 10_000, validateOnly })
      await ask([{ name, count: 2, assignments: null }], true)
      await ask([{ name, count: 3, assignments: null }])
      await peer.usable(name)
      await ask([{ name, count: 3, assignments: null }])
      await ask([{ name, count: 1, assignments: null }])
      await ask([{ name, count: 0, assignments: null }])
      await ask([{ name: 'absent', count: 4, assignments: null }])
      await ask([{ name, count: 4, assignments: [{ brokerIds: [1] }] }])
      await ask([{ name, count: 5, assignments: [{ brokerIds: [7] }] }])
      await ask([{ name, count: 6, assignments: [] }])
      await ask([
        { name, count: 7, assignments: null },
        { name, count: 8, assignments: null },
      ])
      await ask([])
    },
  },
  {
    api: describeConfigs,
    run: async (peer, version) => {
      const name = `configs.${version}`
      const configs = [{ name: 'max.message.bytes', value: '123456' }]
      await makeTopic(peer, name, { configs })
      const topicType = 2
      const brokerType = 4
      const ask = (resourceType: number, resourceName: string, keys: string[] | null) =>
        peer.ask(describeConfigs, version, {
          resources: [{ resourceType, resourceName, configurationKeys: keys }],
          includeSynonyms: true,
          includeDocumentation: false,
        })
      await ask(topicType, name, null)
      await ask(topicType, name, ['max.message.bytes', 'no.such', 'retention.ms'])
      await ask(topicType, name, [])
      await ask(topicType, 'absent', null)
      await ask(topicType, 'not a name', null)
      await ask(brokerType, '1', ['num.partitions', 'log.retention.hours', 'node.id'])
      await ask(brokerType, '7', null)
      await ask(brokerType, 'one', null)
      await ask(brokerType, '', null)
      await ask(99, 'x', null)
    },
  },
  {
    api: describeCluster,
    run: async (peer, version) => {
      const ask = (endpointType: number, includeClusterAuthorizedOperations: boolean) =>
        peer.ask(describeCluster, version, { endpointType, includeClusterAuthorizedOperations })
      await ask(1, false)
      await ask(1, true)
      if (version >= 1) await ask(2, false)
      if (version >= 1) await ask(9, false)
    },
  },
]
