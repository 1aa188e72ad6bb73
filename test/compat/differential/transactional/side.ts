import { findCoordinator } from '../../../../src/protocol/messages/10-find-coordinator.ts'
import { describeGroups } from '../../../../src/protocol/messages/15-describe-groups.ts'
import { createTopics } from '../../../../src/protocol/messages/19-create-topics.ts'
import { initProducerId } from '../../../../src/protocol/messages/22-init-producer-id.ts'
import { RawClient } from '../../../server/raw-client.ts'
import type { Target } from '../../targets.ts'
import type { Side } from '../twins.ts'

export const topicOf = (index: number) => `tx-${index}`

export async function prepare(target: Target, scenarios: number): Promise<Side> {
  const client = await RawClient.open(target.port)
  const names = Array.from({ length: scenarios }, (_, index) => topicOf(index))
  const { topics } = await client.request(createTopics, 7, {
    topics: names.map((name) => ({
      name,
      numPartitions: 2,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 60_000,
  })
  const isReady = async () => {
    for (const keyType of [0, 1]) {
      await client.request(findCoordinator, 4, { key: '', keyType, coordinatorKeys: ['warm'] })
    }
    const { groups } = await client.request(describeGroups, 5, {
      groups: ['a', 'b', 'c', 'd', 'e'],
    })
    const begun = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map((transactionalId) => {
        const body = { transactionalId, transactionTimeoutMs: 1000, producerEpoch: -1 }
        return client.request(initProducerId, 5, body)
      }),
    )
    return [...begun, ...groups].every(({ errorCode }) => errorCode === 0)
  }
  for (let i = 0; !(await isReady()); i++) {
    if (i > 200) throw new Error(`${target.name} has no coordinators`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  client.close()
  return { target, topicIds: new Map(topics.map(({ name, topicId }) => [name, topicId])) }
}
