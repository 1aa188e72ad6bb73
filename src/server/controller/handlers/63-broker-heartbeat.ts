import { fenceBroker, unfenceBroker } from '../../../metadata/controller/brokers.ts'
import { brokerHeartbeat } from '../../../protocol/messages/63-broker-heartbeat.ts'
import { controllerHandler } from '../handler.ts'

export const handleBrokerHeartbeat = controllerHandler(
  brokerHeartbeat,
  async (request, _context, { metadata }) => {
    const { brokerId, brokerEpoch, currentMetadataOffset, wantFence, wantShutDown } = request
    const broker = metadata.image.brokers.get(brokerId)!
    const isCaughtUp = currentMetadataOffset >= brokerEpoch
    if (wantShutDown) {
      await metadata.submit(fenceBroker(brokerId))
      return { errorCode: 0, isCaughtUp, isFenced: true, shouldShutDown: true }
    }
    if (!wantFence && broker.fenced) await metadata.submit(unfenceBroker(brokerId))
    return { errorCode: 0, isCaughtUp, isFenced: wantFence, shouldShutDown: false }
  },
  (_request, _context, code) => ({ errorCode: code, shouldShutDown: false }),
)
