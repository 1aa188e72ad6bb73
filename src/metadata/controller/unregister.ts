import { ApiError } from '../../protocol/errors.ts'
import { unregisterBrokerRecord } from '../../protocol/stored/metadata/01-unregister-broker-record.ts'
import { unregisterControllerRecord } from '../../protocol/stored/metadata/29-unregister-controller-record.ts'
import { metadataRecord } from '../records.ts'
import { leaderless } from './brokers.ts'
import type { Command } from './controller.ts'

/**
 * Removes a broker; partitions that it leads have no leader (KIP-185).
 * @throws ApiError BROKER_ID_NOT_REGISTERED
 */
export function unregisterBroker(brokerId: number): Command<void> {
  return ({ image }) => {
    const broker = image.brokers.get(brokerId)
    if (broker === undefined) {
      throw new ApiError(
        'BROKER_ID_NOT_REGISTERED',
        `Broker ID ${brokerId} is not currently registered`,
      )
    }
    const { epoch: brokerEpoch } = broker
    const record = metadataRecord(unregisterBrokerRecord, { brokerId, brokerEpoch })
    return { records: [...leaderless(image, brokerId), record], answer: undefined }
  }
}

/**
 * Removes a controller that has left the quorum (KIP-1219).
 * @throws ApiError CONTROLLER_ID_NOT_REGISTERED; INVALID_REQUEST for the active one.
 */
export function unregisterController(controllerId: number, activeId: number): Command<void> {
  return ({ image }) => {
    if (controllerId === activeId) {
      throw new ApiError(
        'INVALID_REQUEST',
        'Controller cannot unregister itself while it is active.',
      )
    }
    if (!image.controllers.has(controllerId)) {
      throw new ApiError(
        'CONTROLLER_ID_NOT_REGISTERED',
        `Controller ID ${controllerId} is not currently registered.`,
      )
    }
    return {
      records: [metadataRecord(unregisterControllerRecord, { controllerId })],
      answer: undefined,
    }
  }
}
