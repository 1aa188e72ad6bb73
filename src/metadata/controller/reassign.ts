import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import type { AlterPartitionReassignmentsRequest } from '../../protocol/messages/45-alter-partition-reassignments.ts'
import type { PartitionState, TopicState } from '../image.ts'
import type { MetadataRecord } from '../records.ts'
import { type Command, type ControllerView, checkRecordCount } from './controller.ts'
import { checkAssignment } from './create-topics.ts'
import { partitionChange } from './partition-change.ts'
import { TopicRules } from './partition-rules.ts'
import { isReassigning, reassignmentTo, revertedReassignment } from './reassignment.ts'

type Asked = AlterPartitionReassignmentsRequest['topics']

export interface ReassignedTopic {
  readonly name: string
  readonly partitions: readonly {
    readonly index: number
    readonly error: ErrorName
    readonly errorMessage: string | null
  }[]
}

/** Partitions decided on between two yields. */
const partitionsBetween = 64

/**
 * Begins, changes and ends reassignments (KIP-455). Replicas are not placed on further brokers, as
 * data is not copied between brokers yet.
 * @throws ApiError POLICY_VIOLATION
 */
export function reassign(topics: Asked, mayChangeFactor: boolean): Command<ReassignedTopic[]> {
  return function* (view) {
    const records: MetadataRecord[] = []
    const answer: ReassignedTopic[] = []
    let seen = 0
    for (const { name, partitions } of topics) {
      const answered: ReassignedTopic['partitions'][number][] = []
      for (const { partitionIndex: index, replicas } of partitions) {
        if (++seen % partitionsBetween === 0) yield
        try {
          const record = reassigned(view, name, index, replicas, mayChangeFactor)
          if (record !== null) records.push(record)
          answered.push({ index, error: 'NONE', errorMessage: null })
        } catch (error) {
          if (!(error instanceof ApiError)) throw error
          answered.push({ index, error: error.reason, errorMessage: error.detail })
        }
      }
      answer.push({ name, partitions: answered })
    }
    checkRecordCount(records)
    return { records, answer }
  }
}

/** @param replicas those wanted; null to go back to those before the reassignment. */
function reassigned(
  view: ControllerView,
  name: string,
  index: number,
  replicas: readonly number[] | null,
  mayChangeFactor: boolean,
): MetadataRecord | null {
  const topic = view.image.topics.get(name)
  if (topic === undefined) {
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`)
  }
  const partition = topic.partitions[index]
  if (partition === undefined) {
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${name}:${index}.`)
  }
  const rules = new TopicRules(view, topic)
  if (replicas === null) return cancelled(rules, topic, index, partition)
  checkAssignment(view.image, replicas, null)
  if (!mayChangeFactor) checkFactor(partition, replicas.length)
  if (!replicas.every((id) => partition.replicas.includes(id))) {
    throw new ApiError(
      'INVALID_REPLICA_ASSIGNMENT',
      `Partition ${name}-${index} stays on broker(s) ${partition.replicas.join(', ')}: data is ` +
        'not moved between brokers yet.',
    )
  }
  const { removing, adding, replicas: all } = reassignmentTo(partition.replicas, replicas)
  return partitionChange(rules.of(index), {
    replicas: all,
    ...(removing.length > 0 ? { removing } : {}),
    ...(adding.length > 0 ? { adding } : {}),
  })
}

function cancelled(
  rules: TopicRules,
  { name }: TopicState,
  index: number,
  partition: PartitionState,
): MetadataRecord | null {
  if (!isReassigning(partition)) throw new ApiError('NO_REASSIGNMENT_IN_PROGRESS')
  const { replicas, isr, isUnclean } = revertedReassignment(partition)
  if (isUnclean && !rules.isUncleanEnabled) {
    throw new ApiError(
      'INVALID_REPLICA_ASSIGNMENT',
      `Unable to revert partition assignment for ${name}:${index} because it would require an ` +
        'unclean leader election.',
    )
  }
  const election = rules.isUncleanEnabled ? 'unclean' : 'online'
  return partitionChange(rules.of(index), { isr, replicas, removing: [], adding: [], election })
}

/** @throws ApiError INVALID_REPLICATION_FACTOR if the number of replicas would change. */
function checkFactor(partition: PartitionState, factor: number): void {
  const { replicas, addingReplicas, removingReplicas } = partition
  const settled = new Set([...replicas, ...addingReplicas])
  for (const id of removingReplicas) settled.delete(id)
  if (settled.size === factor) return
  throw new ApiError(
    'INVALID_REPLICATION_FACTOR',
    `The replication factor is changed from ${settled.size} to ${factor}`,
  )
}
