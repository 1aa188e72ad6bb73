import { javaHashMapOrderBy } from '../../base/java-hash.ts'
import type { Draft } from '../../protocol/schema.ts'
import { partitionChangeRecord } from '../../protocol/stored/metadata/05-partition-change-record.ts'
import type { PartitionState } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import { completedReassignment, equalIds, holdsAll, type Reassignment } from './reassignment.ts'

/** The replicas that an election may choose beyond the in-sync and the eligible ones. */
export type Election =
  /** The first replica, if it may lead; otherwise as `online`. */
  | 'preferred'
  /** No further replicas. The present leader stays if it may lead. */
  | 'online'
  /** Any replica that is alive, if no other may lead: records are lost. */
  | 'unclean'

/** A partition, and what decides about its changes. */
export interface PartitionRules {
  readonly topicId: string
  readonly partitionId: number
  readonly partition: PartitionState
  /** Whether a broker is alive and has the replica at hand. */
  readonly mayLead: (brokerId: number) => boolean
  /** `min.insync.replicas`, and at most the number of replicas. */
  readonly minIsr: number
  /** Whether replicas that left the ISR stay eligible (KIP-966). */
  readonly hasElr: boolean
  /** Whether a smaller ISR needs a new leader epoch: before metadata.version 3.6 (KAFKA-15021). */
  readonly isShrinkAnEpoch: boolean
  /** The directory in which a broker that has no replica yet will keep it. */
  readonly defaultDirectory: (brokerId: number) => string
}

/** The fields of a partition that a change asks for; absent ones keep their values. */
export interface PartitionTarget {
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly removing?: readonly number[]
  readonly adding?: readonly number[]
  readonly leaderRecoveryState?: number
  readonly election?: Election
  /** A broker that has come back without its last records: it is not eligible any more. */
  readonly uncleanShutdown?: number
  /** New directories by broker. */
  readonly directories?: ReadonlyMap<number, string>
}

/** Codes of `LeaderRecoveryState` (KIP-704). */
export const leaderRecoveryStates = { recovered: 0, recovering: 1 } as const

const noLeader = -1

type Change = Omit<Draft<typeof partitionChangeRecord.fields>, 'topicId' | 'partitionId'>

/** The replicas of a partition by what they may do, before an election. */
interface Replicas {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly elr: readonly number[]
}

/**
 * Returns the record of a change and of all that follows from it: the end of a reassignment, the
 * election of another leader, and who stays eligible. Null if nothing changes (Kafka's
 * `PartitionChangeBuilder`).
 */
export function partitionChange(
  rules: PartitionRules,
  target: PartitionTarget,
): MetadataRecord<typeof partitionChangeRecord.fields> | null {
  const { partition, topicId, partitionId } = rules
  const wanted = {
    replicas: target.replicas ?? partition.replicas,
    isr: target.isr ?? partition.isr,
    removing: target.removing ?? partition.removingReplicas,
    adding: target.adding ?? partition.addingReplicas,
  }
  const moved = completedReassignment(wanted) ?? wanted
  const replicas = { ...moved, elr: eligible(rules, target, moved.isr) }
  const change: Change = {
    ...changeOfRoles(rules, target.election ?? 'online', replicas),
    ...changeOfPlaces(rules, { ...moved, directories: target.directories }),
  }
  const recovery = target.leaderRecoveryState ?? partition.leaderRecoveryState
  const isRecovery = recovery !== partition.leaderRecoveryState
  if (Object.keys(change).length === 0 && !isRecovery) return null
  return metadataRecord(partitionChangeRecord, {
    ...{ topicId, partitionId, ...change },
    ...(isRecovery ? { leaderRecoveryState: recovery } : {}),
  })
}

/** Returns the change of leader, ISR and eligible replicas. */
function changeOfRoles(rules: PartitionRules, election: Election, before: Replicas): Change {
  const { partition, hasElr } = rules
  const elected = elect(rules, election, before)
  const isNew = elected.id !== partition.leader
  const isUnclean = isNew && elected.isUnclean
  const isFromElr = isNew && before.elr.includes(elected.id)
  const isr = isFromElr || isUnclean ? [elected.id] : before.isr
  const isSafe = hasElr && !isUnclean
  const elr = isSafe ? before.elr.filter((id) => !isFromElr || id !== elected.id) : []
  const isIsrNew = !equalIds(isr, partition.isr) && (isr.length > 0 || hasElr)
  // The leader epoch rises with every leader that is named, even the same.
  const isEpoch =
    !holdsAll(before.replicas, partition.replicas) ||
    (rules.isShrinkAnEpoch && isIsrNew && !holdsAll(isr, partition.isr))
  const leader = isNew ? elected.id : isEpoch ? partition.leader : null
  const isRecovering = partition.leaderRecoveryState === leaderRecoveryStates.recovering
  const last = hasElr ? lastLeader(partition, leader) : null
  return {
    ...(leader === null ? {} : { leader }),
    ...(isIsrNew || isUnclean ? { isr } : {}),
    ...(equalIds(elr, partition.eligibleLeaderReplicas) ? {} : { eligibleLeaderReplicas: elr }),
    ...(last === null ? {} : { lastKnownElr: last }),
    ...(isUnclean && !isRecovering ? { leaderRecoveryState: leaderRecoveryStates.recovering } : {}),
  }
}

/** Returns who led last, once nobody leads; null if that is not new. */
function lastLeader(partition: PartitionState, leader: number | null): number[] | null {
  const isKnown = partition.lastKnownElr.length > 0
  if (leader === noLeader && !isKnown) return [partition.leader]
  return leader !== null && leader !== noLeader && isKnown ? [] : null
}

/** Returns the change of replicas and their directories. */
function changeOfPlaces(
  { partition, defaultDirectory }: PartitionRules,
  target: Reassignment & { readonly directories?: PartitionTarget['directories'] },
): Change {
  const { replicas, removing, adding } = target
  const directories = replicas.map(
    (id) =>
      target.directories?.get(id) ??
      partition.directories[partition.replicas.indexOf(id)] ??
      defaultDirectory(id),
  )
  const isPlaced = replicas.length > 0
  return {
    ...(isPlaced && !equalIds(directories, partition.directories) ? { directories } : {}),
    ...(isPlaced && !equalIds(replicas, partition.replicas) ? { replicas } : {}),
    ...(equalIds(removing, partition.removingReplicas) ? {} : { removingReplicas: removing }),
    ...(equalIds(adding, partition.addingReplicas) ? {} : { addingReplicas: adding }),
  }
}

/**
 * Returns who may lead once the ISR is empty: while the ISR is smaller than the minimum nothing is
 * committed, so that those who have left it since have all that was (KIP-966).
 */
function eligible(
  { partition, hasElr, minIsr }: PartitionRules,
  { uncleanShutdown }: PartitionTarget,
  isr: readonly number[],
): readonly number[] {
  if (!hasElr) return partition.eligibleLeaderReplicas
  if (isr.length >= minIsr) return []
  const all = new Set([...partition.eligibleLeaderReplicas, ...partition.isr])
  // In the order of Kafka's `HashSet`.
  const ordered = javaHashMapOrderBy([...all], (id) => id)
  return ordered.filter((id) => !isr.includes(id) && id !== uncleanShutdown)
}

interface Elected {
  /** -1 for none. */
  readonly id: number
  /** Whether records may be lost. */
  readonly isUnclean: boolean
}

function elect(
  { partition, mayLead, hasElr }: PartitionRules,
  election: Election,
  { replicas, isr, elr }: Replicas,
): Elected {
  const candidates = isr.length > 0 ? isr : elr
  const isClean = (id: number) => candidates.includes(id) && mayLead(id)
  const first = replicas[0]
  const clean = [...(election === 'preferred' && first !== undefined ? [first] : [])]
  const id = [...clean, partition.leader, ...replicas].find(isClean)
  if (id !== undefined) return { id, isUnclean: false }
  const [last] = partition.lastKnownElr
  const isLastKnown = hasElr && candidates.length === 0 && partition.lastKnownElr.length === 1
  if (isLastKnown && mayLead(last!)) return { id: last!, isUnclean: true }
  const any = election === 'unclean' ? replicas.find(mayLead) : undefined
  return any === undefined ? { id: noLeader, isUnclean: false } : { id: any, isUnclean: true }
}
