import type { Partitions } from '../consumer-member.ts'

export interface AssignedMember {
  readonly instanceId: string | null
  readonly rackId: string | null
  /** The ids of the topics that it subscribes to and that there are. */
  readonly topicIds: ReadonlySet<string>
  /** Its target until now. */
  readonly target: Partitions
}

/** What an assignor is given. Kafka: `GroupSpec`, `SubscribedTopicDescriber`. */
export interface GroupToAssign {
  /** By member id, in the order in which partitions are given out where all else is equal. */
  readonly members: ReadonlyMap<string, AssignedMember>
  /** All members subscribe to the same topics. */
  readonly isHomogeneous: boolean
  partitionCount(topicId: string): number
}

/** The new target of every member, by member id. */
export type GroupAssignment = Map<string, Partitions>

export type Assign = (group: GroupToAssign) => GroupAssignment
