import { findCoordinator } from '../../../src/protocol/messages/10-find-coordinator.ts'
import { initProducerId } from '../../../src/protocol/messages/22-init-producer-id.ts'
import { until } from '../kafkajs/client.ts'
import type { Peer } from './peer.ts'

/** A producer id, transactional or not, as soon as a coordinator gives one. */
export async function newProducer(peer: Peer, transactionalId: string | null) {
  let found = { producerId: -1, producerEpoch: -1 }
  await until('a producer id', async () => {
    if (transactionalId !== null) {
      await peer.quietly(findCoordinator, 3, { key: transactionalId, keyType: 1 })
    }
    const asked = { transactionalId, transactionTimeoutMs: 60_000 }
    const { producerId, producerEpoch, errorCode } = await peer.quietly(initProducerId, 4, asked)
    found = { producerId, producerEpoch }
    return errorCode === 0
  })
  peer.names.plain(found)
  return found
}
