import { ApiError } from '../../protocol/errors.ts'
import { unregisterControllerRecord } from '../../protocol/stored/metadata/29-unregister-controller-record.ts'
import { metadataRecord } from '../records.ts'
import { unregistrationRecords } from './broker-life.ts'
import { type Command, checkRecordCount } from './controller.ts'

/**
 * Removes a broker; others lead what it leads, or nobody does (KIP-185).
 * @throws ApiError BROKER_ID_NOT_REGISTERED, POLICY_VIOLATION
 */
export function unregisterBroker(brokerId: number): Command<void> {
  return function* (view) {
    const broker = view.image.brokers.get(brokerId)
    if (broker === undefined) {
      throw new ApiError(
        'BROKER_ID_NOT_REGISTERED',
        `Broker ID ${brokerId} is not currently registered`,
      )
    }
    const records = yield* unregistrationRecords(view, broker)
    checkRecordCount(records)
    return { records, answer: undefined }
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
