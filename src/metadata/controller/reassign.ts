import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import type { AlterPartitionReassignmentsRequest } from '../../protocol/messages/45-alter-partition-reassignments.ts'
import type { Image } from '../image.ts'
import type { Command } from './controller.ts'
import { checkAssignment } from './create-topics.ts'

type Asked = AlterPartitionReassignmentsRequest['topics']

export interface ReassignedTopic {
  readonly name: string
  readonly partitions: readonly {
    readonly index: number
    readonly error: ErrorName
    readonly errorMessage: string | null
  }[]
}

/**
 * Answers reassignments: grants the current replicas, and refuses all others, as data is not copied
 * between brokers yet.
 */
export function reassign(topics: Asked, mayChangeFactor: boolean): Command<ReassignedTopic[]> {
  return ({ image }) => ({
    records: [],
    answer: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex: index, replicas }) => {
        try {
          check(image, name, index, replicas, mayChangeFactor)
          return { index, error: 'NONE' as const, errorMessage: null }
        } catch (error) {
          if (!(error instanceof ApiError)) throw error
          return { index, error: error.reason, errorMessage: error.detail }
        }
      }),
    })),
  })
}

function check(
  image: Image,
  topic: string,
  index: number,
  replicas: readonly number[] | null,
  mayChangeFactor: boolean,
): void {
  const state = image.topics.get(topic)
  if (state === undefined) {
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${topic}.`)
  }
  const partition = state.partitions[index]
  if (partition === undefined) {
    throw new ApiError('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find partition ${topic}:${index}.`)
  }
  if (replicas === null) throw new ApiError('NO_REASSIGNMENT_IN_PROGRESS')
  checkAssignment(image, replicas, null)
  if (!mayChangeFactor && replicas.length !== partition.replicas.length) {
    throw new ApiError(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor is changed from ${partition.replicas.length} to ${replicas.length}`,
    )
  }
  const isThere = (id: number) => partition.replicas.includes(id)
  if (replicas.length !== partition.replicas.length || !replicas.every(isThere)) {
    throw new ApiError(
      'INVALID_REPLICA_ASSIGNMENT',
      `Partition ${topic}-${index} stays on broker(s) ${partition.replicas.join(', ')}: data is not ` +
        'moved between brokers yet.',
    )
  }
}
