import { deleteRecords } from '../../../src/protocol/messages/21-delete-records.ts'
import { describeConfigs } from '../../../src/protocol/messages/32-describe-configs.ts'
import { alterConfigs } from '../../../src/protocol/messages/33-alter-configs.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { listConfigResources } from '../../../src/protocol/messages/74-list-config-resources.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic, settled } from './topics.ts'

export const types = { topic: 2, broker: 4, logger: 8, metrics: 16, group: 32 }
export const operations = { set: 0, delete: 1, append: 2, subtract: 3 }

type Change = readonly [name: string, operation: number, value: string | null]

export function incremental(peer: Peer, version: number) {
  return (
    resourceType: number,
    resourceName: string,
    changes: readonly Change[],
    validateOnly = false,
  ) =>
    peer.ask(incrementalAlterConfigs, version, {
      validateOnly,
      resources: [
        {
          resourceType,
          resourceName,
          configs: changes.map(([name, configOperation, value]) => ({
            ...{ name, configOperation, value },
          })),
        },
      ],
    })
}

export function described(peer: Peer) {
  return async (resourceType: number, resourceName: string, keys: string[] | null = null) => {
    await settled(peer)
    return peer.ask(describeConfigs, 4, {
      resources: [{ resourceType, resourceName, configurationKeys: keys }],
      includeSynonyms: true,
      includeDocumentation: false,
    })
  }
}

const { set, delete: remove, append, subtract } = operations

/** Client matchers of a subscription, valid and invalid. */
const matches = [
  ...['client_id=(', 'client_id=a{1', 'client_id=*a', 'client_id=[a', 'client_id=(?P<n>a)'],
  ...[
    'client_id=',
    'client_id==',
    'client_id=a=',
    'client_id=a=b',
    '=a',
    ' client_id = a ',
    'client_id=a{1,3}',
  ],
  ...['client_id=a,client_id=b', 'client_id=a,client_id=a', 'client_source_port=1.*', ''],
  ...['client_software_name=(?i)x|y,client_software_version=\\d+(\\.\\d+)*', 'client_id=a,'],
]

const incrementalScenarios: readonly Scenario[] = [
  {
    api: incrementalAlterConfigs,
    title: 'of topics',
    run: async (peer, version) => {
      const name = `incremental.${version}`
      await makeTopic(peer, name)
      const alter = incremental(peer, version)
      const describe = described(peer)
      await alter(types.topic, name, [['retention.ms', set, '1000']])
      await alter(types.topic, name, [['retention.ms', set, '2000']], true)
      await describe(types.topic, name, ['retention.ms'])
      await alter(types.topic, name, [['retention.ms', remove, null]])
      await alter(types.topic, name, [['retention.ms', remove, null]])
      await describe(types.topic, name, ['retention.ms'])
      await alter(types.topic, name, [['cleanup.policy', append, 'compact']])
      await describe(types.topic, name, ['cleanup.policy'])
      await alter(types.topic, name, [['cleanup.policy', append, 'compact']])
      await alter(types.topic, name, [['cleanup.policy', subtract, 'delete']])
      await describe(types.topic, name, ['cleanup.policy'])
      await alter(types.topic, name, [['cleanup.policy', subtract, 'compact']])
      await describe(types.topic, name, ['cleanup.policy'])
    },
  },
  {
    api: incrementalAlterConfigs,
    title: 'of topics, refused',
    run: async (peer, version) => {
      const name = `incremental.bad.${version}`
      await makeTopic(peer, name)
      const alter = incremental(peer, version)
      await alter(types.topic, name, [['retention.ms', set, 'soon']])
      await alter(types.topic, name, [['retention.ms', set, null]])
      await alter(types.topic, name, [['retention.ms', append, '1']])
      await alter(types.topic, name, [['retention.ms', 9, '1']])
      await alter(types.topic, name, [['no.such', set, '1']])
      await alter(types.topic, name, [['no.such', remove, null]])
      await alter(types.topic, name, [['segment.bytes', set, '1']])
      await alter(types.topic, name, [['cleanup.policy', set, 'sweep']])
      await alter(types.topic, name, [['cleanup.policy', append, 'sweep']])
      await alter(types.topic, name, [['cleanup.policy', set, 'delete,']])
      await alter(types.topic, name, [['cleanup.policy', set, 'delete,delete']])
      await alter(types.topic, name, [['cleanup.policy', set, '']])
      await alter(types.topic, name, [
        ['retention.ms', set, '1'],
        ['retention.ms', set, '2'],
      ])
      await alter(types.topic, name, [
        ['retention.ms', set, '1000'],
        ['segment.bytes', set, 'x'],
      ])
      await alter(types.topic, name, [])
      await alter(types.topic, 'absent', [['retention.ms', set, '1']])
      await alter(types.topic, 'not a name', [['retention.ms', set, '1']])
      await alter(types.topic, '', [['retention.ms', set, '1']])
      await alter(99, 'x', [['retention.ms', set, '1']])
      await described(peer)(types.topic, name, ['retention.ms', 'segment.bytes'])
    },
  },
  {
    api: incrementalAlterConfigs,
    title: 'of brokers',
    run: async (peer, version) => {
      const alter = incremental(peer, version)
      const describe = described(peer)
      await alter(types.broker, '', [['message.max.bytes', set, '2000000']])
      await describe(types.broker, '')
      await alter(types.broker, '1', [['message.max.bytes', set, '3000000']])
      await describe(types.broker, '1', ['message.max.bytes'])
      await alter(types.broker, '1', [['message.max.bytes', remove, null]])
      await describe(types.broker, '1', ['message.max.bytes'])
      await alter(types.broker, '', [['message.max.bytes', remove, null]])
      await alter(types.broker, '', [['node.id', set, '5']])
      await alter(types.broker, '1', [['log.dirs', set, '/x']])
      await alter(types.broker, '7', [['log.retention.ms', set, '1']])
      await alter(types.broker, 'one', [['log.retention.ms', set, '1']])
      await alter(types.broker, '', [['log.retention.ms', set, 'x']])
      await alter(types.broker, '', [['no.such', set, '1']])
      await alter(types.broker, '', [['no.such', remove, null]])
    },
  },
  {
    api: incrementalAlterConfigs,
    title: 'of groups and subscriptions',
    run: async (peer, version) => {
      const alter = incremental(peer, version)
      const describe = described(peer)
      const group = `group.${version}`
      await alter(types.group, group, [['consumer.session.timeout.ms', set, '50000']])
      await describe(types.group, group, ['consumer.session.timeout.ms'])
      await alter(types.group, group, [['consumer.session.timeout.ms', set, '1']])
      await alter(types.group, group, [['consumer.heartbeat.interval.ms', set, 'x']])
      await alter(types.group, group, [['no.such', set, '1']])
      await alter(types.group, '', [['consumer.session.timeout.ms', set, '50000']])
      await alter(types.group, group, [['consumer.session.timeout.ms', remove, null]])
      const metrics = `metrics.${version}`
      await alter(types.metrics, metrics, [
        ['interval.ms', set, '1000'],
        ['metrics', set, 'org.a,org.b'],
        ['match', set, 'client_id=a.*'],
      ])
      await describe(types.metrics, metrics)
      await alter(types.metrics, metrics, [['interval.ms', set, '1']])
      await alter(types.metrics, metrics, [['match', set, 'nothing=a']])
      await alter(types.metrics, metrics, [['match', set, 'client_id']])
      await alter(types.metrics, metrics, [['metrics', set, 'org.a,,org.b']])
      await alter(types.metrics, metrics, [['metrics', set, 'org.a,org.a']])
      for (const match of matches) await alter(types.metrics, metrics, [['match', set, match]])
      await alter(types.metrics, metrics, [['no.such', set, '1']])
      await alter(types.metrics, '', [['interval.ms', set, '1000']])
      await alter(types.metrics, metrics, [
        ['interval.ms', remove, null],
        ['metrics', remove, null],
        ['match', remove, null],
      ])
      await describe(types.metrics, metrics)
    },
  },
  {
    api: incrementalAlterConfigs,
    title: 'of several resources',
    run: async (peer, version) => {
      const name = `incremental.many.${version}`
      await makeTopic(peer, name)
      await makeTopic(peer, `${name}.b`)
      const one = (resourceName: string, value: string) => ({
        resourceType: types.topic,
        resourceName,
        configs: [{ name: 'retention.ms', configOperation: set, value }],
      })
      const ask = (...resources: object[]) =>
        peer.ask(incrementalAlterConfigs, version, { resources, validateOnly: false })
      await ask(one(name, '1'), one(`${name}.b`, 'x'))
      await ask(one(name, '1'), one(name, '2'))
      await ask(one(name, '3'), one('absent', '3'), one(`${name}.b`, '3'))
      await ask()
      await described(peer)(types.topic, name, ['retention.ms'])
      await described(peer)(types.topic, `${name}.b`, ['retention.ms'])
    },
  },
]

const otherScenarios: readonly Scenario[] = [
  {
    api: alterConfigs,
    title: 'of topics',
    run: async (peer, version) => {
      const name = `alter.${version}`
      await makeTopic(peer, name, { configs: [{ name: 'flush.ms', value: '5' }] })
      const ask = (
        resourceType: number,
        resourceName: string,
        configs: readonly (readonly [string, string | null])[],
        validateOnly = false,
      ) =>
        peer.ask(alterConfigs, version, {
          validateOnly,
          resources: [
            {
              ...{ resourceType, resourceName },
              configs: configs.map(([key, value]) => ({ name: key, value })),
            },
          ],
        })
      await ask(types.topic, name, [['retention.ms', '1000']], true)
      await described(peer)(types.topic, name, ['retention.ms', 'flush.ms'])
      await ask(types.topic, name, [['retention.ms', '1000']])
      await described(peer)(types.topic, name, ['retention.ms', 'flush.ms'])
      await ask(types.topic, name, [])
      await described(peer)(types.topic, name, ['retention.ms', 'flush.ms'])
      await ask(types.topic, name, [['retention.ms', 'x']])
      await ask(types.topic, name, [['retention.ms', null]])
      await ask(types.topic, name, [['no.such', '1']])
      await ask(types.topic, 'absent', [['retention.ms', '1']])
      await ask(types.broker, '7', [['log.retention.ms', '1']])
      await ask(types.broker, '1', [['node.id', '1']])
      await ask(99, 'x', [])
    },
  },
  {
    api: describeConfigs,
    title: 'groups, subscriptions and loggers',
    run: async (peer, version) => {
      const ask = (resourceType: number, resourceName: string, keys: string[] | null = null) =>
        peer.ask(describeConfigs, version, {
          resources: [{ resourceType, resourceName, configurationKeys: keys }],
          includeSynonyms: true,
          includeDocumentation: false,
        })
      await ask(types.group, 'nobody')
      await ask(types.group, '')
      await ask(types.group, 'nobody', ['consumer.session.timeout.ms', 'no.such'])
      await ask(types.metrics, 'none')
      await ask(types.metrics, '')
      await ask(types.logger, '7')
      await ask(0, 'x')
    },
  },
  {
    api: describeConfigs,
    title: 'without synonyms, several at once',
    run: async (peer, version) => {
      const name = `several.${version}`
      await makeTopic(peer, name)
      const resource = (resourceType: number, resourceName: string, keys: string[] | null) => ({
        ...{ resourceType, resourceName, configurationKeys: keys },
      })
      const ask = (...resources: object[]) =>
        peer.ask(describeConfigs, version, {
          ...{ resources, includeSynonyms: false, includeDocumentation: false },
        })
      await ask(
        resource(types.topic, name, ['retention.ms']),
        resource(types.topic, 'absent', null),
      )
      await ask(
        resource(types.topic, name, ['retention.ms']),
        resource(types.broker, '1', ['node.id']),
      )
      await ask(resource(types.broker, '1', ['ssl.keystore.password', 'num.io.threads']))
      await ask()
    },
  },
  {
    api: listConfigResources,
    run: async (peer, version) => {
      const alter = incremental(peer, 1)
      await alter(types.metrics, `listed.${version}`, [['interval.ms', set, '1000']])
      await settled(peer)
      const asked = version === 0 ? [[]] : [[16], [4], [8], [16, 4], [99]]
      for (const resourceTypes of asked) {
        await peer.ask(listConfigResources, version, { resourceTypes })
      }
      await alter(types.metrics, `listed.${version}`, [['interval.ms', remove, null]])
      await settled(peer)
      await peer.ask(listConfigResources, version, { resourceTypes: version === 0 ? [] : [16] })
    },
  },
  {
    api: deleteRecords,
    title: 'of empty and absent partitions',
    run: async (peer, version) => {
      const name = `cut.${version}`
      await makeTopic(peer, name, { numPartitions: 2 })
      await makeTopic(peer, `${name}.compact`, {
        configs: [{ name: 'cleanup.policy', value: 'compact' }],
      })
      const ask = (topic: string, ...partitions: readonly (readonly [number, number])[]) =>
        peer.ask(deleteRecords, version, {
          timeoutMs: 5000,
          topics: [
            {
              name: topic,
              partitions: partitions.map(([partitionIndex, offset]) => ({
                ...{ partitionIndex, offset },
              })),
            },
          ],
        })
      await ask(name, [0, 0], [1, -1])
      await ask(name, [0, 5])
      await ask(name, [0, -5])
      await ask(name, [9, 0])
      await ask('absent', [0, 0])
      await ask(`${name}.compact`, [0, -1])
      await ask(name)
    },
  },
]

export const configAdminScenarios = [...incrementalScenarios, ...otherScenarios]
