import { incrementalAlterConfigs } from '../../../src/protocol/messages/44-incremental-alter-configs.ts'
import { described, incremental, operations, types } from './config-admin.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic } from './topics.ts'

const { set, delete: remove, append, subtract } = operations

/** Values in unusual notation, by the type of a key. */
const typed: readonly (readonly [key: string, ...values: string[]])[] = [
  ['cleanup.policy', 'compact, delete', ' delete ', 'delete,,compact', 'Delete', 'compact,compact'],
  ['retention.ms', ' 7 ', '+7', '007', '7.0', '7L', '', ' ', '1e3'],
  ['unclean.leader.election.enable', 'TRUE', ' true ', 'True', 'yes', '1', ''],
  ['min.cleanable.dirty.ratio', '.5', '0.50', ' 1 ', '5e-1', '0,5', '1f', ''],
  ['compression.type', ' gzip ', 'GZIP', 'gzip,zstd', ''],
  ['message.timestamp.type', 'logappendtime', ' LogAppendTime '],
  [
    'leader.replication.throttled.replicas',
    '0:1, 1:1',
    ' * ',
    '0:1,0:1',
    '*,0:1',
    '',
    '0:-1',
    'a:b',
  ],
  ['segment.bytes', ' 1048576 ', '0x100000', '1_048_576'],
]

export const typedConfigScenarios: readonly Scenario[] = [
  {
    api: incrementalAlterConfigs,
    title: 'of values as they are typed',
    versions: [1],
    run: async (peer, version) => {
      const name = `typed.${version}`
      await makeTopic(peer, name)
      const alter = incremental(peer, version)
      const describe = described(peer)
      for (const [key, ...values] of typed) {
        for (const value of values) {
          const { responses } = await alter(types.topic, name, [[key, set, value]])
          if (responses[0].errorCode === 0) await describe(types.topic, name, [key])
        }
        await alter(types.topic, name, [[key, remove, null]])
      }
      for (const op of [append, subtract]) {
        for (const value of [
          'compact',
          ' compact',
          'delete',
          'delete,compact',
          ',compact',
          '',
          ',',
        ]) {
          await alter(types.topic, name, [['cleanup.policy', op, value]])
          await describe(types.topic, name, ['cleanup.policy'])
          await alter(types.topic, name, [['cleanup.policy', remove, null]])
        }
      }
    },
  },
  {
    api: incrementalAlterConfigs,
    title: 'of values of a broker as they are typed',
    versions: [1],
    run: async (peer, version) => {
      const alter = incremental(peer, version)
      const describe = described(peer)
      const values = [
        ['log.cleanup.policy', 'compact, delete'],
        ['log.retention.ms', ' 604800000 '],
        ['unclean.leader.election.enable', 'FALSE'],
        ['log.cleaner.min.cleanable.ratio', '.50'],
        ['follower.replication.throttled.rate', ' 1000 '],
        ['leader.replication.throttled.rate', '0'],
        ['leader.replication.throttled.rate', '-1'],
        ['leader.replication.throttled.replicas', '0:1'],
        ['follower.replication.throttled.replicas', ' * '],
        ['replica.alter.log.dirs.io.max.bytes.per.second', ' 5000 '],
        ['replica.alter.log.dirs.io.max.bytes.per.second', '0'],
        ['replica.alter.log.dirs.io.max.bytes.per.second', '-1'],
        ['replica.alter.log.dirs.io.max.bytes.per.second', 'many'],
      ] as const
      for (const where of ['', '1']) {
        for (const [key, value] of values) {
          const { responses } = await alter(types.broker, where, [[key, set, value]])
          if (responses[0].errorCode === 0) {
            await describe(types.broker, where, [key])
            await describe(types.broker, '1', [key])
          }
          await alter(types.broker, where, [[key, remove, null]])
        }
      }
    },
  },
]
