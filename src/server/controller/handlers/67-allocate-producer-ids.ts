import { allocateProducerIds, producerIdBlockSize } from '../../../metadata/controller/brokers.ts'
import { allocateProducerIds as api } from '../../../protocol/messages/67-allocate-producer-ids.ts'
import { controllerHandler } from '../handler.ts'

export const handleAllocateProducerIds = controllerHandler(
  api,
  async ({ brokerId }, _context, { metadata }) => ({
    errorCode: 0,
    producerIdStart: await metadata.submit(allocateProducerIds(brokerId)),
    producerIdLen: producerIdBlockSize,
  }),
  (_request, _context, code) => ({ errorCode: code, producerIdStart: 0, producerIdLen: 0 }),
)
