import { writeTxnMarkers } from '../../../src/protocol/messages/27-write-txn-markers.ts'
import { alterReplicaLogDirs } from '../../../src/protocol/messages/34-alter-replica-log-dirs.ts'
import { describeLogDirs } from '../../../src/protocol/messages/35-describe-log-dirs.ts'
import { electLeaders } from '../../../src/protocol/messages/43-elect-leaders.ts'
import { alterPartitionReassignments } from '../../../src/protocol/messages/45-alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../../../src/protocol/messages/46-list-partition-reassignments.ts'
import { describeQuorum } from '../../../src/protocol/messages/55-describe-quorum.ts'
import { updateFeatures } from '../../../src/protocol/messages/57-update-features.ts'
import { describeCluster } from '../../../src/protocol/messages/60-describe-cluster.ts'
import { unregisterBroker } from '../../../src/protocol/messages/64-unregister-broker.ts'
import { describeTopicPartitions } from '../../../src/protocol/messages/75-describe-topic-partitions.ts'
import { addRaftVoter } from '../../../src/protocol/messages/80-add-raft-voter.ts'
import { removeRaftVoter } from '../../../src/protocol/messages/81-remove-raft-voter.ts'
import { unregisterController } from '../../../src/protocol/messages/94-unregister-controller.ts'
import type { Peer } from './peer.ts'
import type { Scenario } from './scenario.ts'
import { makeTopic, nobodysId } from './topics.ts'

/** From here on the peer's cluster id is replaced by a name. */
async function learnCluster(peer: Peer): Promise<void> {
  peer.names.plain(
    await peer.quietly(describeCluster, 1, { includeClusterAuthorizedOperations: false }),
  )
}

const upgrade = 1
const safeDowngrade = 2
const unsafeDowngrade = 3

function featureUpdates(peer: Peer, version: number) {
  return (updates: readonly (readonly [string, number, number])[], validateOnly = false) =>
    peer.ask(updateFeatures, version, {
      featureUpdates: updates.map(([feature, maxVersionLevel, upgradeType]) => ({
        feature,
        maxVersionLevel,
        ...(version === 0 ? { allowDowngrade: upgradeType !== upgrade } : { upgradeType }),
      })),
      validateOnly,
    })
}

const featureScenarios: readonly Scenario[] = [
  {
    api: updateFeatures,
    title: 'levels that cannot be',
    run: async (peer, version) => {
      const ask = featureUpdates(peer, version)
      await ask([['share.version', 7, upgrade]])
      await ask([['share.version', -1, upgrade]])
      await ask([['no.such.version', 1, upgrade]])
      await ask([['metadata.version', 99, upgrade]])
      await ask([['metadata.version', 3, safeDowngrade]])
      await ask([['metadata.version', 0, safeDowngrade]])
      await ask([['', 1, upgrade]])
      await ask([])
      if (version > 0) await ask([['share.version', 1, 0]])
      if (version > 0) await ask([['share.version', 1, 9]])
    },
  },
  {
    api: updateFeatures,
    title: 'downgrades without leave',
    run: async (peer, version) => {
      const ask = featureUpdates(peer, version)
      await ask([['transaction.version', 1, upgrade]])
      await ask([['metadata.version', 32, upgrade]])
      await ask([['metadata.version', 7, safeDowngrade]])
      if (version > 0) await ask([['metadata.version', 7, unsafeDowngrade]], true)
      await ask([['share.version', 2, safeDowngrade]])
      await ask([
        ['share.version', 1, safeDowngrade],
        ['transaction.version', 9, upgrade],
      ])
    },
  },
  {
    api: updateFeatures,
    title: 'there and back',
    run: async (peer, version) => {
      const ask = featureUpdates(peer, version)
      if (version > 0) await ask([['streams.version', 0, safeDowngrade]], true)
      await ask([['streams.version', 0, safeDowngrade]])
      await ask([['streams.version', 1, safeDowngrade]])
      if (version > 0) await ask([['streams.version', 1, upgrade]], true)
      await ask([['streams.version', 1, upgrade]])
      await ask([['streams.version', 1, upgrade]])
      if (version > 0) {
        await ask([['share.version', 1, unsafeDowngrade]])
        await ask([['share.version', 2, upgrade]])
      }
      await ask([['metadata.version', 33, upgrade]])
    },
  },
  {
    api: updateFeatures,
    title: 'what levels need of others',
    run: async (peer, version) => {
      const ask = featureUpdates(peer, version)
      await ask([['eligible.leader.replicas.version', 0, safeDowngrade]])
      await ask([['eligible.leader.replicas.version', 1, upgrade]])
      await ask([['kraft.version', 0, safeDowngrade]])
      await ask([
        ['streams.version', 0, safeDowngrade],
        ['streams.version', 1, upgrade],
      ])
      await ask([['streams.version', 1, upgrade]])
    },
  },
]

const nodeScenarios: readonly Scenario[] = [
  {
    api: unregisterBroker,
    run: async (peer, version) => {
      for (const brokerId of [9, -1, 2 ** 31 - 1]) {
        await peer.ask(unregisterBroker, version, { brokerId })
      }
    },
  },
  {
    api: unregisterController,
    run: async (peer, version) => {
      for (const controllerId of [9, -1, 1]) {
        await peer.ask(unregisterController, version, { controllerId })
      }
    },
  },
  {
    api: addRaftVoter,
    run: async (peer, version) => {
      await learnCluster(peer)
      const listeners = [{ name: 'CONTROLLER', host: '127.0.0.1', port: 19093 }]
      const ask = (more: object) =>
        peer.ask(addRaftVoter, version, {
          ...{ clusterId: null, timeoutMs: 1000, voterId: 5, voterDirectoryId: nobodysId },
          ...{ listeners, ...more },
        })
      await ask({})
      await ask({ clusterId: 'another' })
      await ask({ voterId: 1 })
      await ask({ voterId: -1 })
      await ask({ listeners: [] })
      await ask({ listeners: [{ name: 'OTHER', host: 'x', port: 1 }] })
    },
  },
  {
    api: removeRaftVoter,
    run: async (peer, version) => {
      await learnCluster(peer)
      const ask = (more: object) =>
        peer.ask(removeRaftVoter, version, {
          ...{ clusterId: null, voterId: 5, voterDirectoryId: nobodysId },
          ...more,
        })
      await ask({})
      await ask({ clusterId: 'another' })
      await ask({ voterId: 1 })
      await ask({ voterId: -1 })
    },
  },
  {
    api: describeQuorum,
    run: async (peer, version) => {
      const ask = async (topics: object[]) => {
        const answer = await peer.quietly(describeQuorum, version, { topics })
        if (typeof answer === 'string') return peer.note('quorum', answer)
        const moving = /"(leaderEpoch|highWatermark|logEndOffset|last\w+Timestamp|port)":-?\d+/g
        const text = JSON.stringify(answer)
          .replace(moving, '"$1":0')
          .replace(/"replicaDirectoryId":"(?!A{22})[\w-]{22}"/g, '"replicaDirectoryId":"ITS"')
        const { nodes, ...same } = JSON.parse(text)
        peer.note(`DescribeQuorum v${version} ${JSON.stringify(topics)}`, same)
      }
      const one = (topicName: string, ...indexes: number[]) => ({
        topicName,
        partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
      })
      await ask([one('__cluster_metadata', 0)])
      await ask([one('__cluster_metadata', 1)])
      await ask([one('__cluster_metadata', 0, 1)])
      await ask([one('__cluster_metadata')])
      await ask([one('other', 0)])
      await ask([])
    },
  },
]

const placeScenarios: readonly Scenario[] = [
  {
    api: alterReplicaLogDirs,
    run: async (peer, version) => {
      const name = `move.${version}`
      await makeTopic(peer, name, { numPartitions: 2 })
      const { dataDir } = peer.target
      peer.names.learn(dataDir, 'DIR')
      const ask = (path: string, ...topics: object[]) =>
        peer.ask(alterReplicaLogDirs, version, { dirs: [{ path, topics }] })
      await ask(dataDir, { name, partitions: [0] })
      await ask(dataDir, { name, partitions: [0, 1, 5] }, { name: 'absent', partitions: [0] })
      await ask('/nowhere', { name, partitions: [0, 1] })
      await ask('relative', { name: 'absent', partitions: [3] })
      await ask(dataDir, { name: 'not a name', partitions: [0] })
      await ask(dataDir, { name: 'n'.repeat(240), partitions: [0] })
      await ask(dataDir)
    },
  },
  {
    api: describeLogDirs,
    run: async (peer, version) => {
      const name = `dirs.${version}`
      await makeTopic(peer, name, { numPartitions: 2 })
      const ask = async (topics: object[]) => {
        const answer = await peer.quietly(describeLogDirs, version, { topics })
        const text = JSON.stringify(answer).replaceAll(peer.target.dataDir, 'DIR')
        const plain = JSON.parse(text.replace(/"(total|usable)Bytes":\d+/g, '"$1Bytes":1'))
        peer.note(`DescribeLogDirs v${version} ${JSON.stringify(topics)}`, plain)
      }
      await ask([{ topic: name, partitions: [0, 1] }])
      await ask([{ topic: name, partitions: [1, 7] }])
      await ask([{ topic: 'absent', partitions: [0] }])
      await ask([])
    },
  },
  {
    api: electLeaders,
    run: async (peer, version) => {
      const name = `elect.${version}`
      await makeTopic(peer, name, { numPartitions: 2 })
      const ask = (electionType: number, topicPartitions: object[] | null) =>
        peer.ask(electLeaders, version, { electionType, topicPartitions, timeoutMs: 5000 })
      const types = version === 0 ? [0] : [0, 1, 9]
      for (const type of types) {
        await ask(type, [{ topic: name, partitions: [0, 1] }])
        await ask(type, [{ topic: name, partitions: [0, 9] }])
        await ask(type, [{ topic: 'absent', partitions: [0] }])
        await ask(type, null)
        await ask(type, [])
      }
    },
  },
  {
    api: alterPartitionReassignments,
    run: async (peer, version) => {
      const name = `reassign.${version}`
      await makeTopic(peer, name, { numPartitions: 2 })
      const ask = (topics: object[], more: object = {}) =>
        peer.ask(alterPartitionReassignments, version, { timeoutMs: 5000, topics, ...more })
      const to = (partitionIndex: number, replicas: number[] | null, topic = name) => ({
        name: topic,
        partitions: [{ partitionIndex, replicas }],
      })
      await ask([to(0, [1])])
      await ask([to(0, [9])])
      await ask([to(0, [1, 9])])
      await ask([to(0, [1, 1])])
      await ask([to(0, [])])
      await ask([to(0, [-1])])
      await ask([to(0, null)])
      await ask([to(5, [1])])
      await ask([to(0, [1], 'absent')])
      await ask([to(0, null, 'absent')])
      await ask([to(0, [1]), to(1, [9], name)])
      await ask([])
    },
  },
  {
    api: listPartitionReassignments,
    run: async (peer, version) => {
      const name = `listed.${version}`
      await makeTopic(peer, name)
      const ask = (topics: object[] | null) =>
        peer.ask(listPartitionReassignments, version, { timeoutMs: 5000, topics })
      await ask(null)
      await ask([{ name, partitionIndexes: [0] }])
      await ask([{ name, partitionIndexes: [9] }])
      await ask([{ name: 'absent', partitionIndexes: [0] }])
      await ask([])
    },
  },
  {
    api: describeTopicPartitions,
    run: async (peer, version) => {
      const name = `paged.${version}`
      await makeTopic(peer, name, { numPartitions: 5 })
      await makeTopic(peer, `${name}.b`, { numPartitions: 2 })
      const ask = (names: string[], more: object = {}) =>
        peer.ask(describeTopicPartitions, version, {
          topics: names.map((one) => ({ name: one })),
          responsePartitionLimit: 2000,
          ...more,
        })
      await ask([name])
      await ask([name, `${name}.b`, 'absent', 'not a name'])
      await ask([name, `${name}.b`], { responsePartitionLimit: 3 })
      const cursor = (topicName: string, partitionIndex: number) => ({
        cursor: { topicName, partitionIndex },
      })
      await ask([name, `${name}.b`], { responsePartitionLimit: 3, ...cursor(name, 3) })
      await ask([name, `${name}.b`], cursor(`${name}.b`, 1))
      await ask([name], cursor(name, 9))
      await ask([name], cursor('absent', 0))
      await ask([name], cursor(name, -1))
      await ask([name, name])
      await ask([name], { responsePartitionLimit: 0 })
    },
  },
]

/** EndTxn of an unknown producer, with an invalid epoch, without partitions. */
const markerScenarios: readonly Scenario[] = [
  {
    api: writeTxnMarkers,
    run: async (peer, version) => {
      const name = `markers.${version}`
      await makeTopic(peer, name, { numPartitions: 2 })
      const marker = (producerId: number, producerEpoch: number, more: object = {}) => ({
        ...{ producerId, producerEpoch, transactionResult: false, coordinatorEpoch: 0 },
        topics: [{ name, partitionIndexes: [0] }],
        ...more,
      })
      const ask = (...markers: object[]) => peer.ask(writeTxnMarkers, version, { markers })
      await ask(marker(71, -1))
      await ask(marker(-1, 0))
      await ask(marker(-2, -2))
      await ask(marker(72, 0), marker(73, -1))
      await ask(marker(74, -1, { topics: [{ name: 'absent', partitionIndexes: [0] }] }))
      await ask(marker(75, 0, { coordinatorEpoch: -1 }))
      await ask(marker(76, 0, { topics: [{ name, partitionIndexes: [0, 1, 9] }] }))
    },
  },
]

export const clusterAdminScenarios = [
  ...featureScenarios,
  ...nodeScenarios,
  ...placeScenarios,
  ...markerScenarios,
]
