import { ApiError } from '../../protocol/errors.ts'
import { unregisterBrokerRecord } from '../../protocol/stored/metadata/01-unregister-broker-record.ts'
import { brokerRegistrationChangeRecord } from '../../protocol/stored/metadata/17-broker-registration-change-record.ts'
import type { BrokerState, Image } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import {
  brokerEventRecords,
  inElr,
  inIsr,
  isLeaderless,
  type PartitionView,
} from './partition-rules.ts'

type Records = Generator<void, MetadataRecord[]>

/**
 * Returns the registration of a broker of this epoch.
 * @throws ApiError STALE_BROKER_EPOCH if it is not registered, or was again.
 */
export function registrationOf({ brokers }: Image, id: number, epoch: number): BrokerState {
  const broker = brokers.get(id)
  if (broker === undefined) {
    throw new ApiError('STALE_BROKER_EPOCH', `No broker registration found for broker id ${id}`)
  }
  if (broker.epoch !== epoch) {
    const detail = `Expected broker epoch ${broker.epoch}, but got broker epoch ${epoch}`
    throw new ApiError('STALE_BROKER_EPOCH', detail)
  }
  return broker
}

/** Fields of a registration change: -1 and 1 mean no and yes. */
interface RegistrationChange {
  readonly fenced?: -1 | 1
  readonly inControlledShutdown?: 1
  readonly logDirs?: readonly string[]
  readonly cordonedLogDirs?: readonly string[]
}

/** @param version the first that has the field, as Kafka writes it. */
function registrationChange(
  { id: brokerId, epoch: brokerEpoch }: BrokerState,
  change: RegistrationChange,
  version: number,
): MetadataRecord {
  const value = { brokerId, brokerEpoch, ...change }
  return metadataRecord(brokerRegistrationChangeRecord, value, version)
}

/** Takes a broker out of all ISRs, and fences it. */
export function* fencingRecords(view: PartitionView, broker: BrokerState): Records {
  const records = yield* brokerEventRecords(view, { removed: broker.id }, inIsr(broker.id))
  return [...records, registrationChange(broker, { fenced: 1 }, 0)]
}

/** Unfences a broker; it leads what nobody else leads and it may. */
export function* unfencingRecords(view: PartitionView, broker: BrokerState): Records {
  const change = registrationChange(broker, { fenced: -1 }, 0)
  return [change, ...(yield* brokerEventRecords(view, { added: broker.id }, isLeaderless))]
}

/** Hands a broker's leaderships to others, because it wants to stop. */
export function* stoppingRecords(view: PartitionView, broker: BrokerState): Records {
  const { id, inControlledShutdown } = broker
  const change = registrationChange(broker, { inControlledShutdown: 1 }, 1)
  const moved = yield* brokerEventRecords(view, { removed: id }, inIsr(id))
  return inControlledShutdown ? moved : [change, ...moved]
}

/** Removes a broker from all ISRs, from those eligible, and from the cluster. */
export function* unregistrationRecords(view: PartitionView, broker: BrokerState): Records {
  const { id: brokerId, epoch: brokerEpoch } = broker
  const removed = { removed: brokerId }
  return [
    ...(yield* brokerEventRecords(view, removed, inIsr(brokerId))),
    ...(yield* brokerEventRecords(view, removed, inElr(brokerId))),
    metadataRecord(unregisterBrokerRecord, { brokerId, brokerEpoch }),
  ]
}

/** Takes the replicas in failed directories out of their ISRs. */
export function* offlineRecords(
  view: PartitionView,
  broker: BrokerState,
  offline: readonly string[],
): Records {
  const lost = broker.logDirs.filter((dir) => offline.includes(dir))
  if (lost.length === 0) return []
  const records: MetadataRecord[] = []
  for (const dir of lost) {
    const removed = { removed: broker.id }
    records.push(
      ...(yield* brokerEventRecords(view, removed, (one) => one.directories.includes(dir))),
    )
  }
  const logDirs = broker.logDirs.filter((dir) => !offline.includes(dir))
  return [...records, registrationChange(broker, { logDirs }, 2)]
}

/** Closes directories to new replicas, and opens those not named (KIP-1066). */
export function cordoningRecords(
  broker: BrokerState,
  cordonedLogDirs: readonly string[] | null,
): MetadataRecord[] {
  if (cordonedLogDirs === null) return []
  const before = broker.cordonedLogDirs
  const asked = new Set(cordonedLogDirs)
  const isSame =
    before !== null &&
    new Set(before).size === asked.size &&
    before.every((directory) => asked.has(directory))
  return isSame ? [] : [registrationChange(broker, { cordonedLogDirs }, 3)]
}
