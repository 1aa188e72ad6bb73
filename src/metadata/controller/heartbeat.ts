import type { BrokerHeartbeatRequest } from '../../protocol/messages/63-broker-heartbeat.ts'
import { brokerRegistrationChangeRecord } from '../../protocol/stored/metadata/17-broker-registration-change-record.ts'
import type { BrokerState, Image } from '../image.ts'
import type { MetadataRecord } from '../records.ts'
import {
  cordoningRecords,
  fencingRecords,
  offlineRecords,
  registrationOf,
  stoppingRecords,
  unfencingRecords,
} from './broker-life.ts'
import type { BrokerSessions } from './broker-sessions.ts'
import type { Command, ControllerView } from './controller.ts'

/** States of a broker (Kafka's `BrokerControlState`). */
type BrokerControlState = 'fenced' | 'unfenced' | 'stopping' | 'mayStop'

export interface HeartbeatReply {
  readonly isCaughtUp: boolean
  readonly isFenced: boolean
  readonly shouldShutDown: boolean
}

/**
 * Decides what a broker may do next, from what it wants and what it says that it knows
 * (`ReplicationControlManager.processBrokerHeartbeat`). The caller has noted the contact.
 * @throws ApiError STALE_BROKER_EPOCH
 */
export function heartbeat(
  request: BrokerHeartbeatRequest,
  sessions: BrokerSessions,
): Command<HeartbeatReply> {
  return function* (view) {
    const { brokerId: id, brokerEpoch, currentMetadataOffset } = request
    const broker = registrationOf(view.image, id, brokerEpoch)
    const report = sessions.reportOf(broker)
    const current = stateOf(broker, report.shutdownOffset)
    const next = nextState(current, request, broker, view.image, sessions)
    const changes = next === current ? [] : yield* recordsOf(next, view, broker)
    const offline = yield* offlineRecords(view, broker, request.offlineLogDirs)
    const records = [...changes, ...offline, ...cordoningRecords(broker, request.cordonedLogDirs)]
    const isFenced = next === 'fenced' || next === 'mayStop'
    const lastOffset = view.nextOffset + records.length - 1
    const shutdownOffset =
      next === 'stopping' && report.shutdownOffset < 0 ? lastOffset : report.shutdownOffset
    sessions.note(id, brokerEpoch, {
      // As in Kafka, where a changed registration forgets what the broker has reported.
      metadataOffset: records.some(isRegistrationChange) ? -1 : currentMetadataOffset,
      shutdownOffset: isFenced ? -1 : shutdownOffset,
    })
    const answer = {
      isCaughtUp: currentMetadataOffset >= broker.registeredAt,
      ...{ isFenced, shouldShutDown: next === 'mayStop' },
    }
    return { records, answer }
  }
}

const isRegistrationChange = ({ of }: MetadataRecord) => of === brokerRegistrationChangeRecord

function stateOf({ fenced }: BrokerState, shutdownOffset: number): BrokerControlState {
  if (shutdownOffset >= 0) return 'stopping'
  return fenced ? 'fenced' : 'unfenced'
}

/** Returns the next state (`BrokerHeartbeatManager.calculateNextBrokerState`). */
function nextState(
  current: BrokerControlState,
  { wantFence, wantShutDown, currentMetadataOffset }: BrokerHeartbeatRequest,
  broker: BrokerState,
  image: Image,
  sessions: BrokerSessions,
): BrokerControlState {
  if (current === 'fenced') {
    if (wantShutDown) return 'mayStop'
    return !wantFence && currentMetadataOffset >= broker.registeredAt ? 'unfenced' : 'fenced'
  }
  if (current === 'unfenced') {
    if (wantFence) return wantShutDown ? 'mayStop' : 'fenced'
    if (!wantShutDown) return 'unfenced'
    return leads(broker.id, image) ? 'stopping' : 'mayStop'
  }
  if (leads(broker.id, image)) return 'stopping'
  // The others must know who leads now, before the broker is gone.
  const { shutdownOffset } = sessions.reportOf(broker)
  return shutdownOffset <= sessions.lowestOffset(image) ? 'mayStop' : 'stopping'
}

function leads(id: number, { topics }: Image): boolean {
  for (const { partitions } of topics.values()) {
    if (partitions.some(({ leader }) => leader === id)) return true
  }
  return false
}

function recordsOf(
  next: BrokerControlState,
  view: ControllerView,
  broker: BrokerState,
): Generator<void, MetadataRecord[]> {
  if (next === 'unfenced') return unfencingRecords(view, broker)
  return next === 'stopping' ? stoppingRecords(view, broker) : fencingRecords(view, broker)
}

/**
 * Fences one broker that has been silent for too long (`maybeFenceOneStaleBroker`). Returns null if
 * there is none; one that has registered again since is not fenced.
 */
export function fenceSilentBroker(
  sessions: BrokerSessions,
): Command<{ readonly id: number; readonly wasAlive: boolean } | null> {
  return function* (view) {
    const silent = sessions.takeExpired()
    if (silent === null) return { records: [], answer: null }
    const { id, epoch } = silent
    const broker = view.image.brokers.get(id)
    if (broker?.epoch !== epoch) return { records: [], answer: { id, wasAlive: false } }
    sessions.note(id, epoch, { metadataOffset: -1, shutdownOffset: -1 })
    return {
      records: yield* fencingRecords(view, broker),
      answer: { id, wasAlive: !broker.fenced },
    }
  }
}
