import { partitionChangeRecord } from '../../protocol/stored/metadata/05-partition-change-record.ts'
import { brokerRegistrationChangeRecord } from '../../protocol/stored/metadata/17-broker-registration-change-record.ts'
import { type Image, type PartitionState, topicById } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command } from './controller.ts'

export interface PlacedPartition {
  readonly topicId: string
  readonly index: number
}

/** Records which directories of a broker hold its replicas (KIP-858's AssignReplicasToDirs). */
export function assignDirectories(
  brokerId: number,
  placed: readonly (PlacedPartition & { readonly directoryId: string })[],
): Command<void> {
  return ({ image }) => {
    const records: MetadataRecord[] = []
    for (const { topicId, index, directoryId } of placed) {
      const partition = topicById(image, topicId)?.partitions[index]
      const at = partition?.replicas.indexOf(brokerId) ?? -1
      if (partition === undefined || at < 0 || partition.directories[at] === directoryId) continue
      const directories = partition.replicas.map((_, i) =>
        i === at ? directoryId : (partition.directories[i] ?? directoryId),
      )
      records.push(
        metadataRecord(partitionChangeRecord, { topicId, partitionId: index, directories }),
      )
    }
    return { records, answer: undefined }
  }
}

export interface LostReplicas {
  readonly brokerId: number
  /** The broker's remaining directories. */
  readonly online: readonly string[]
  readonly lost: readonly PlacedPartition[]
  /** Whether the replicas had all committed records when last seen; unknown at start (KIP-966). */
  readonly isEligible: boolean
}

/**
 * Takes the replicas in a broker's failed directory offline: another in-sync replica becomes
 * leader, or none until the directory is back.
 */
export function loseReplicas({ brokerId, online, lost, isEligible }: LostReplicas): Command<void> {
  return ({ image }) => {
    const records: MetadataRecord[] = []
    const broker = image.brokers.get(brokerId)
    if (broker !== undefined && broker.logDirs.length !== online.length) {
      const { epoch: brokerEpoch } = broker
      records.push(
        metadataRecord(
          brokerRegistrationChangeRecord,
          { brokerId, brokerEpoch, logDirs: [...online].sort() },
          2,
        ),
      )
    }
    for (const { topicId, index } of lost) {
      const partition = topicById(image, topicId)?.partitions[index]
      if (partition === undefined) continue
      const change = withoutReplica(partition, brokerId, isEligible, image)
      if (change === null) continue
      records.push(
        metadataRecord(partitionChangeRecord, { topicId, partitionId: index, ...change }),
      )
    }
    return { records, answer: undefined }
  }
}

function withoutReplica(
  { isr, leader, eligibleLeaderReplicas: elr }: PartitionState,
  brokerId: number,
  isEligible: boolean,
  image: Image,
) {
  if (![...isr, ...elr, leader].includes(brokerId)) return null
  const left = isr.filter((id) => id !== brokerId)
  const isLed = leader !== brokerId && leader !== -1
  const next = left.find((id) => image.brokers.get(id)?.fenced === false) ?? -1
  const others = elr.filter((id) => id !== brokerId)
  const isLast = left.length === 0
  return {
    isr: left,
    ...(isLed || (leader === -1 && next === -1) ? {} : { leader: next }),
    eligibleLeaderReplicas: isLast && isEligible ? [...others, brokerId] : others,
    ...(isLast ? { lastKnownElr: [brokerId] } : {}),
  }
}
