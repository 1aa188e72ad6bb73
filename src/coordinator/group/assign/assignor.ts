import type { Partitions } from '../consumer/consumer-member.ts'

export interface AssignedMember {
  readonly instanceId: string | null
  readonly rackId: string | null
  /** The ids of the existing topics that the member subscribes to. */
  readonly topicIds: ReadonlySet<string>
  /** The current target assignment. */
  readonly target: Partitions
}

/** The input of an assignor. Kafka: `GroupSpec`, `SubscribedTopicDescriber`. */
export interface GroupToAssign {
  /** By member id; the order decides between otherwise equal members. */
  readonly members: ReadonlyMap<string, AssignedMember>
  /** True if all members subscribe to the same topics. */
  readonly isHomogeneous: boolean
  partitionCount(topicId: string): number
}

/** The new target assignment by member id. */
export type GroupAssignment = Map<string, Partitions>

export type Assign = (group: GroupToAssign) => GroupAssignment
