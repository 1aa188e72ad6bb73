import { registerBroker } from '../../../metadata/controller/brokers.ts'
import { brokerRegistration } from '../../../protocol/messages/62-broker-registration.ts'
import { controllerHandler } from '../handler.ts'

export const handleBrokerRegistration = controllerHandler(
  brokerRegistration,
  async (request, _context, { metadata }) => {
    const { brokerId: id, incarnationId, listeners: endpoints, rack, logDirs } = request
    const brokerEpoch = await metadata.submit(
      registerBroker({ id, incarnationId, endpoints, rack, logDirs }),
    )
    return { errorCode: 0, brokerEpoch }
  },
  (_request, _context, code) => ({ errorCode: code }),
)
