import { allocateProducerIds, producerIdBlockSize } from '../../../metadata/controller/brokers.ts'
import { allocateProducerIds as api } from '../../../protocol/messages/67-allocate-producer-ids.ts'
import { authorize, clusterResource } from '../../access.ts'
import { controllerHandler } from '../handler.ts'

/** AllocateProducerIds: a block of ids that no other broker gets (KIP-730). */
export const handleAllocateProducerIds = controllerHandler(
  api,
  async ({ brokerId, brokerEpoch }, context, services) => {
    authorize(services, context, 'CLUSTER_ACTION', 'cluster', clusterResource)
    const command = allocateProducerIds(brokerId, brokerEpoch)
    const producerIdStart = await services.metadata.submit(command)
    return { errorCode: 0, producerIdStart, producerIdLen: producerIdBlockSize }
  },
  (_request, _context, code) => ({ errorCode: code, producerIdStart: 0, producerIdLen: 0 }),
)
