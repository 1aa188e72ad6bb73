import { createTopics } from '../../../src/protocol/messages/19-create-topics.ts'
import { deleteTopics } from '../../../src/protocol/messages/20-delete-topics.ts'
import { createAcls } from '../../../src/protocol/messages/30-create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/31-delete-acls.ts'
import { describeConfigs } from '../../../src/protocol/messages/32-describe-configs.ts'
import { alterConfigs } from '../../../src/protocol/messages/33-alter-configs.ts'
import { createPartitions } from '../../../src/protocol/messages/37-create-partitions.ts'
import { electLeaders } from '../../../src/protocol/messages/43-elect-leaders.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { describeClientQuotas } from '../../../src/protocol/messages/48-describe-client-quotas.ts'
import { alterClientQuotas } from '../../../src/protocol/messages/49-alter-client-quotas.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic, settled, topicDraft } from './topics.ts'

const types = { topic: 2, broker: 4, logger: 8, metrics: 16, group: 32 }

/** Values of topic settings: valid, at their bounds, beyond them, and of another type. */
const topicValues: readonly (readonly [string, string])[] = [
  ['compression.type', 'zstd'],
  ['compression.type', 'brotli'],
  ['compression.zstd.level', '22'],
  ['compression.zstd.level', '23'],
  ['compression.gzip.level', '0'],
  ['message.timestamp.type', 'LogAppendTime'],
  ['message.timestamp.type', 'logappendtime'],
  ['min.insync.replicas', '0'],
  ['min.insync.replicas', '2'],
  ['min.cleanable.dirty.ratio', '0.25'],
  ['min.cleanable.dirty.ratio', '1.5'],
  ['unclean.leader.election.enable', 'TRUE'],
  ['unclean.leader.election.enable', 'maybe'],
  ['retention.ms', '-1'],
  ['retention.ms', '-2'],
  ['retention.ms', ' 7 '],
  ['retention.bytes', '9223372036854775807'],
  ['retention.bytes', '9223372036854775808'],
  ['segment.bytes', '1048576'],
  ['segment.bytes', '2147483648'],
  ['max.message.bytes', '-1'],
  ['index.interval.bytes', '1e3'],
  ['cleanup.policy', ''],
  ['cleanup.policy', 'delete,delete'],
  ['cleanup.policy', 'compact, delete'],
  ['remote.storage.enable', 'true'],
  ['local.retention.ms', '5'],
  ['leader.replication.throttled.replicas', '0:1,1:1'],
  ['leader.replication.throttled.replicas', 'all'],
  ['max.compaction.lag.ms', '0'],
  ['message.format.version', '3.0'],
]

const creation =
  (peer: Peer, version: number) =>
  (topics: object[], more: object = {}) =>
    peer.ask(createTopics, version, { topics, timeoutMs: 10_000, ...more })

const creationScenarios: readonly Scenario[] = [
  {
    api: createTopics,
    title: 'values of settings',
    run: async (peer, version) => {
      const ask = creation(peer, version)
      for (const [i, [name, value]] of topicValues.entries()) {
        const draft = topicDraft(`values.${version}.${i}`, { configs: [{ name, value }] })
        await ask([draft], { validateOnly: true })
      }
      const twice = ['1', '2'].map((value) => ({ name: 'retention.ms', value }))
      await ask([topicDraft(`values.${version}.twice`, { configs: twice })], { validateOnly: true })
    },
  },
  {
    api: createTopics,
    title: 'names',
    run: async (peer, version) => {
      const ask = creation(peer, version)
      const names = [
        '..',
        '...',
        '-',
        '_',
        'a/b',
        'a b',
        'ü',
        'a\u0000',
        'a,b',
        'A.b_C-9',
        ' a',
        '%',
      ]
      for (const name of [...names, 'n'.repeat(249), 'n'.repeat(250), '__cluster_metadata']) {
        await ask([topicDraft(name)], { validateOnly: true })
      }
    },
  },
  {
    api: createTopics,
    title: 'some right and some wrong',
    run: async (peer, version) => {
      const ask = creation(peer, version)
      const base = `mixed.${version}`
      await ask([
        topicDraft(`${base}.a`),
        topicDraft(`${base}.b`, { numPartitions: 0 }),
        topicDraft(`${base}.c`, { configs: [{ name: 'no.such', value: '1' }] }),
        topicDraft(`${base}_a`),
        topicDraft(`${base}.d`, { replicationFactor: 3 }),
        topicDraft(`${base}.e`, { numPartitions: 5 }),
      ])
      await peer.usable(`${base}.e`)
      await ask([topicDraft(`${base}.a`), topicDraft(`${base}.f`)])
      await ask([topicDraft(`${base}.x.y`), topicDraft(`${base}.x_y`)], { validateOnly: true })
      await ask([topicDraft(`${base}.big`, { numPartitions: 10_001 })])
      // A topic and its settings are records, too, and count for the limit.
      const large = (numPartitions: number, configs: object[] = []) => {
        const topics = [topicDraft(`${base}.large`, { numPartitions, configs })]
        return ask([...topics, topicDraft(`${base}.too`)], { validateOnly: true })
      }
      await large(9_997)
      await large(9_998)
      await large(9_996, [{ name: 'retention.ms', value: '1' }])
      await large(9_997, [{ name: 'retention.ms', value: '1' }])
      await large(10_000)
      await ask([topicDraft(`${base}.huge`, { numPartitions: 2 ** 31 - 1 })], {
        validateOnly: true,
      })
      await ask([topicDraft(`${base}.g`, { replicationFactor: -2 })])
      await ask([topicDraft(`${base}.h`, { replicationFactor: 32767 })])
    },
  },
  {
    api: createTopics,
    title: 'replicas placed by hand',
    run: async (peer, version) => {
      const ask = creation(peer, version)
      const at = (partitionIndex: number, ...brokerIds: number[]) => ({ partitionIndex, brokerIds })
      const placed = (name: string, assignments: object[], more: object = {}) =>
        ask([
          topicDraft(`placed.${version}.${name}`, {
            ...{ numPartitions: -1, replicationFactor: -1, assignments, ...more },
          }),
        ])
      await placed('a', [at(0, 1), at(0, 1)])
      await placed('b', [at(-1, 1)])
      await placed('c', [at(0, -1)])
      await placed('d', [at(1, 1), at(0, 1)])
      await placed('e', [at(0, 1), at(2, 1)])
      await placed('f', [at(0, 1), at(1)])
      await placed('g', [at(0, 1), at(1, 1, 9)])
      await placed('h', [at(0, 1)], { replicationFactor: 1 })
      await placed('i', [at(0, 1)], { numPartitions: 1, replicationFactor: 1 })
    },
  },
]

const changeScenarios: readonly Scenario[] = [
  {
    api: deleteTopics,
    title: 'several',
    run: async (peer, version) => {
      const base = `gone.${version}`
      for (const end of ['a', 'b', 'c']) await makeTopic(peer, `${base}.${end}`)
      const ask = (...names: string[]) =>
        peer.ask(deleteTopics, version, {
          topics: names.map((name) => ({ name })),
          topicNames: names,
          timeoutMs: 10_000,
        })
      await ask(`${base}.a`, `${base}.absent`, `${base}.b`, 'not a name')
      await peer.gone(`${base}.b`)
      await ask('__cluster_metadata')
      await ask('n'.repeat(300))
      await creation(peer, 7)([topicDraft(`${base}.a`)])
      await peer.usable(`${base}.a`)
      await ask(`${base}.a`, `${base}.c`)
    },
  },
  {
    api: createTopics,
    title: 'again after it was deleted',
    run: async (peer, version) => {
      const name = `again.${version}`
      await makeTopic(peer, name, { configs: [{ name: 'retention.ms', value: '5' }] })
      await peer.quietly(deleteTopics, 5, { topicNames: [name], timeoutMs: 10_000 })
      await peer.gone(name)
      const ask = creation(peer, version)
      await ask([topicDraft(name, { numPartitions: 3 })])
      await peer.usable(name)
      await ask([topicDraft(name)])
      await peer.ask(describeConfigs, 4, {
        resources: [{ resourceType: types.topic, resourceName: name, configurationKeys: [] }],
        includeSynonyms: true,
        includeDocumentation: false,
      })
    },
  },
  {
    api: createPartitions,
    title: 'step by step',
    run: async (peer, version) => {
      const name = `steps.${version}`
      await makeTopic(peer, name)
      for (const count of [2, 4, 4, 3, 5]) {
        const topics = [{ name, count, assignments: null }]
        await peer.ask(createPartitions, version, {
          topics,
          timeoutMs: 10_000,
          validateOnly: false,
        })
        await peer.usable(name)
      }
    },
  },
  {
    api: createPartitions,
    title: 'placed by hand, and too many',
    run: async (peer, version) => {
      const name = `grown.${version}`
      await makeTopic(peer, name)
      await makeTopic(peer, `${name}.b`)
      const grow = (topic: string, count: number, places: number[][] | null = null) => ({
        name: topic,
        count,
        assignments: places === null ? null : places.map((brokerIds) => ({ brokerIds })),
      })
      const ask = (topics: object[], validateOnly = false) =>
        peer.ask(createPartitions, version, { topics, timeoutMs: 10_000, validateOnly })
      await ask([grow(name, 2, [[1], [1]])])
      await ask([grow(name, 3, [[1], [1]])], true)
      await ask([grow(name, 3, [[1], [1]])])
      await peer.usable(name)
      await ask([grow(name, 4, [[1, 1]])])
      await ask([grow(name, 4, [[1, 9]])])
      await ask([grow(name, 4, [[]])])
      await ask([grow(name, 4, [[-1]])])
      await ask([grow(name, -1)])
      await ask([grow(name, 10_005)])
      await ask([grow(name, 4), grow('absent', 4), grow(`${name}.b`, 1)])
      await ask([grow('not a name', 4)])
    },
  },
  {
    api: electLeaders,
    title: 'of several topics',
    run: async (peer, version) => {
      const name = `elected.${version}`
      await makeTopic(peer, name, { numPartitions: 3 })
      await makeTopic(peer, `${name}.b`)
      const ask = (electionType: number, ...topicPartitions: object[]) =>
        peer.ask(electLeaders, version, { electionType, topicPartitions, timeoutMs: 5000 })
      const of = (topic: string, ...partitions: number[]) => ({ topic, partitions })
      for (const type of version === 0 ? [0] : [0, 1]) {
        await ask(type, of(name, 2, 0), of(`${name}.b`, 0), of('absent', 0, 1))
        await ask(type, of(name, -1))
        await ask(type, of(name))
        await ask(type, of('not a name', 0))
      }
    },
  },
]

type Entry = readonly [name: string, value: string | null]

const settingScenarios: readonly Scenario[] = [
  {
    api: describeConfigs,
    title: 'of a topic, without synonyms',
    run: async (peer, version) => {
      const name = `plain.${version}`
      await makeTopic(peer, name, { configs: [{ name: 'flush.ms', value: '5' }] })
      const ask = (resourceName: string, configurationKeys: string[] | null, synonyms: boolean) =>
        peer.ask(describeConfigs, version, {
          resources: [{ resourceType: types.topic, resourceName, configurationKeys }],
          includeSynonyms: synonyms,
          includeDocumentation: false,
        })
      await ask(name, null, false)
      await ask(name, ['flush.ms', 'flush.ms'], false)
      await ask(name, ['flush.ms'], true)
      await ask('', null, false)
      await ask('__cluster_metadata', null, false)
    },
  },
  {
    api: alterConfigs,
    title: 'of brokers, groups, subscriptions and loggers',
    run: async (peer, version) => {
      const ask = (resourceType: number, resourceName: string, ...configs: Entry[]) =>
        peer.ask(alterConfigs, version, {
          validateOnly: false,
          resources: [
            {
              resourceType,
              resourceName,
              configs: configs.map(([name, value]) => ({ name, value })),
            },
          ],
        })
      await ask(types.broker, '', ['log.retention.ms', '888888'])
      await settled(peer)
      await ask(types.broker, '')
      await ask(types.broker, 'one', ['log.retention.ms', '1'])
      await ask(types.group, 'legacy', ['consumer.session.timeout.ms', '50000'])
      await ask(types.group, 'legacy', ['consumer.session.timeout.ms', '1'])
      await ask(types.group, 'legacy')
      await ask(types.metrics, 'legacy', ['interval.ms', '1000'])
      await ask(types.metrics, 'legacy')
      await ask(types.logger, '1', ['root', 'WARN'])
      await ask(types.logger, '7', ['root', 'WARN'])
      await ask(types.topic, '', ['retention.ms', '1'])
    },
  },
  {
    api: incrementalAlterConfigs,
    title: 'of loggers',
    run: async (peer, version) => {
      const ask = (
        resourceName: string,
        name: string,
        configOperation: number,
        value: string | null,
      ) =>
        peer.ask(incrementalAlterConfigs, version, {
          validateOnly: false,
          resources: [
            {
              resourceType: types.logger,
              resourceName,
              configs: [{ name, configOperation, value }],
            },
          ],
        })
      await ask('1', 'no.such.logger', 0, 'DEBUG')
      await ask('1', 'no.such.logger', 1, null)
      await ask('1', 'root', 0, 'LOUD')
      await ask('1', 'root', 0, null)
      await ask('1', 'root', 0, 'WARN')
      await ask('1', 'root', 1, null)
      await ask('1', 'root', 2, 'WARN')
      await ask('1', 'root', 3, 'WARN')
      await ask('1', 'root', 9, 'WARN')
      await ask('7', 'root', 0, 'WARN')
      await ask('one', 'root', 0, 'WARN')
      await ask('', 'root', 0, 'WARN')
    },
  },
  {
    api: incrementalAlterConfigs,
    title: 'values of settings',
    run: async (peer, version) => {
      const resourceName = `altered.${version}`
      await makeTopic(peer, resourceName)
      const ask = (name: string, configOperation: number, value: string, validateOnly: boolean) =>
        peer.ask(incrementalAlterConfigs, version, {
          validateOnly,
          resources: [
            {
              resourceType: types.topic,
              resourceName,
              configs: [{ name, configOperation, value }],
            },
          ],
        })
      for (const [name, value] of topicValues) await ask(name, 0, value, true)
      const throttled = 'follower.replication.throttled.replicas'
      await ask(throttled, 2, '0:1', false)
      await ask(throttled, 2, '1:1', false)
      await ask(throttled, 3, '0:1', false)
      await settled(peer)
      await peer.ask(describeConfigs, 4, {
        resources: [{ resourceType: types.topic, resourceName, configurationKeys: [throttled] }],
        includeSynonyms: true,
        includeDocumentation: false,
      })
    },
  },
]

const anything = { resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }

const accessScenarios: readonly Scenario[] = [
  {
    api: createAcls,
    title: 'of each kind of resource',
    run: async (peer, version) => {
      const ask = (...creations: object[]) => peer.ask(createAcls, version, { creations })
      const entry = {
        ...{ resourceName: 'r', resourcePatternType: 3, principal: 'User:a', host: '*' },
        ...{ operation: 3, permissionType: 3 },
      }
      for (const resourceType of [2, 3, 4, 5, 6, 7]) await ask({ ...entry, resourceType })
      await ask({ ...entry, resourceType: 2 }, { ...entry, resourceType: 3, principal: 'a' })
      await ask()
    },
  },
  {
    api: deleteAcls,
    title: 'several filters',
    run: async (peer, version) => {
      const filter = {
        ...anything,
        ...{ resourceNameFilter: null, principalFilter: null, hostFilter: null },
      }
      const ask = (...filters: object[]) => peer.ask(deleteAcls, version, { filters })
      await ask(filter)
      await ask(filter, { ...filter, resourceNameFilter: 'r', principalFilter: 'User:a' })
      await ask({ ...filter, patternTypeFilter: 2, hostFilter: '127.0.0.1' })
      await ask()
    },
  },
  {
    api: alterClientQuotas,
    title: 'of several entities at once',
    run: async (peer, version) => {
      const entry = (entity: Record<string, string | null>, key: string, value: number) => ({
        entity: Object.entries(entity).map(([entityType, entityName]) => ({
          ...{ entityType, entityName },
        })),
        ops: [{ key, value, remove: false }],
      })
      const ask = (...entries: object[]) =>
        peer.ask(alterClientQuotas, version, { entries, validateOnly: false })
      const user = `several${version}`
      await ask(entry({ user }, 'producer_byte_rate', 5), entry({ user }, 'consumer_byte_rate', 6))
      await ask(entry({ user, 'client-id': 'c' }, 'producer_byte_rate', 7))
      await ask(entry({ user: 'x', nobody: 'y' }, 'producer_byte_rate', 7))
      await ask(entry({ user }, 'request_percentage', Number.NaN))
      await ask(entry({ user }, 'request_percentage', Number.POSITIVE_INFINITY))
      await ask()
      await settled(peer)
      const found = [{ entityType: 'user', matchType: 0, match: user }]
      await peer.ask(describeClientQuotas, 1, { components: found, strict: false })
    },
  },
  {
    api: describeClientQuotas,
    title: 'with odd filters',
    run: async (peer, version) => {
      const ask = (
        strict: boolean,
        ...all: readonly (readonly [string, number, string | null])[]
      ) =>
        peer.ask(describeClientQuotas, version, {
          strict,
          components: all.map(([entityType, matchType, match]) => ({
            entityType,
            matchType,
            match,
          })),
        })
      await ask(false, ['nobody', 0, 'x'])
      await ask(false, ['', 0, 'x'])
      await ask(false, ['user', 0, null])
      await ask(false, ['user', 0, ''])
      await ask(false, ['user', 1, 'x'])
      await ask(false, ['user', 9, null])
      await ask(true, ['user', 0, 'nobody'], ['client-id', 0, 'nobody'])
      await ask(true, ['user', 0, 'a'], ['user', 0, 'b'])
      await ask(true, ['ip', 0, '10.9.9.9'], ['user', 0, 'b'])
    },
  },
]

export const topicAdminScenarios = [
  ...creationScenarios,
  ...changeScenarios,
  ...settingScenarios,
  ...accessScenarios,
]
