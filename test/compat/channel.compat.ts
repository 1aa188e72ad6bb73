import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { systemRandom } from '../../src/base/random.ts'
import type { Channel } from '../../src/channel/channel.ts'
import { NodeDialer } from '../../src/channel/node-dialer.ts'
import { TcpCarrier } from '../../src/channel/tcp-carrier.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { heartbeat } from '../../src/protocol/messages/12-heartbeat.ts'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.ts'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { freePort } from './free-port.ts'
import { startKafka, type Target } from './targets.ts'

const missing = inject('javaMissing')
const soon = { timeoutMs: 30_000 }
/** The id of the topic `__cluster_metadata`. */
const metadataTopicId = 'AAAAAAAAAAAAAAAAAAAAAQ'

const carrier = new TcpCarrier({
  dialer: new NodeDialer(),
  clock: systemClock,
  random: systemRandom,
  login: null,
})

describe.skipIf(missing !== null)('a controller of Apache Kafka', () => {
  let kafka: Target
  let controllerPort: number
  let channel: Channel

  beforeAll(async () => {
    const port = await freePort()
    controllerPort = await freePort()
    kafka = await startKafka({
      port,
      settings: {
        'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
        listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      },
    })
    channel = carrier.open(
      { nodeId: -1, host: '127.0.0.1', port: controllerPort },
      { clientId: 'raft-client-9', asksVersions: true },
    )
  })
  afterAll(async () => {
    channel?.close()
    await kafka?.close()
  })

  const fetchMetadata = async (currentLeaderEpoch: number) => {
    const partition = { partition: 0, currentLeaderEpoch, fetchOffset: 0, lastFetchedEpoch: 0 }
    const partitions = [{ ...partition, partitionMaxBytes: 0, highWatermark: -1 }]
    const answer = await channel.send(
      fetch,
      18,
      {
        ...{ maxWaitMs: 500, minBytes: 0, maxBytes: 1_048_576, forgottenTopicsData: [] },
        replicaState: { replicaId: 9, replicaEpoch: -1 },
        topics: [{ topicId: metadataTopicId, partitions }],
      },
      soon,
    )
    return { answer, partition: answer.responses[0]!.partitions[0]! }
  }

  test('names itself as the leader, and then gives the metadata log', async () => {
    const { answer, partition } = await fetchMetadata(0)
    expect(errorName(partition.errorCode)).toBe('FENCED_LEADER_EPOCH')
    expect(partition.currentLeader.leaderId).toBe(1)
    expect(answer.nodeEndpoints).toMatchObject([{ nodeId: 1, port: controllerPort }])

    const again = await fetchMetadata(partition.currentLeader.leaderEpoch)
    expect(errorName(again.partition.errorCode)).toBe('NONE')
    const [first] = batchesIn(again.partition.records!)
    expect(first).toMatchObject({ baseOffset: 0 })
  })

  test('answers in the order of the requests', async () => {
    const asked = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? channel.send(
            describeCluster,
            2,
            { endpointType: 2, includeClusterAuthorizedOperations: false },
            soon,
          )
        : fetchMetadata(1),
    )
    expect(await Promise.all(asked)).toHaveLength(20)
  })

  test('does not serve what only brokers do', async () => {
    const beat = channel.send(heartbeat, 4, { groupId: 'g', generationId: 1, memberId: 'm' }, soon)
    await expect(beat).rejects.toMatchObject({ kind: 'unsupported' })
  })
})
