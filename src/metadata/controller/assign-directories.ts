import { type ErrorName, errorCode } from '../../protocol/errors.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../../protocol/messages/73-assign-replicas-to-dirs.ts'
import { isOnlineDirectory } from '../directories.ts'
import { topicById } from '../image.ts'
import type { MetadataRecord } from '../records.ts'
import { registrationOf } from './broker-life.ts'
import type { Command } from './controller.ts'
import { partitionChange } from './partition-change.ts'
import { brokerEventRecords, TopicRules } from './partition-rules.ts'

type AnsweredDirectory = AssignReplicasToDirsResponse['directories'][number]

/** Partitions decided on between two yields. */
const partitionsBetween = 64

/**
 * Notes in which directories a broker keeps its replicas; those in a directory that is not online
 * leave their ISRs (KIP-858).
 * @throws ApiError STALE_BROKER_EPOCH
 */
export function assignReplicasToDirs({
  brokerId,
  brokerEpoch,
  directories,
}: AssignReplicasToDirsRequest): Command<AnsweredDirectory[]> {
  return function* (view) {
    const broker = registrationOf(view.image, brokerId, brokerEpoch)
    const records: MetadataRecord[] = []
    const lost = new Set<string>()
    let seen = 0
    const answer: AnsweredDirectory[] = []
    for (const { id: directoryId, topics } of directories) {
      const isOnline = isOnlineDirectory(directoryId, broker.logDirs)
      const answered: AnsweredDirectory['topics'][number][] = []
      for (const { topicId, partitions } of topics) {
        const topic = topicById(view.image, topicId)
        const rules = topic === undefined ? null : new TopicRules(view, topic)
        const codes: { partitionIndex: number; errorCode: number }[] = []
        for (const { partitionIndex } of partitions) {
          if (++seen % partitionsBetween === 0) yield
          const partition = topic?.partitions[partitionIndex]
          let error: ErrorName = 'NONE'
          if (topic === undefined) error = 'UNKNOWN_TOPIC_ID'
          else if (partition === undefined) error = 'UNKNOWN_TOPIC_OR_PARTITION'
          else if (!partition.replicas.includes(brokerId)) error = 'NOT_LEADER_OR_FOLLOWER'
          else {
            const placed = new Map([[brokerId, directoryId]])
            const record = partitionChange(rules!.of(partitionIndex), { directories: placed })
            if (record !== null) records.push(record)
            if (!isOnline) lost.add(`${topicId}:${partitionIndex}`)
          }
          codes.push({ partitionIndex, errorCode: errorCode(error) })
        }
        answered.push({ topicId, partitions: codes })
      }
      answer.push({ id: directoryId, topics: answered })
    }
    if (lost.size > 0) {
      const removed = { removed: brokerId }
      records.push(
        ...(yield* brokerEventRecords(view, removed, (_, index, { id }) =>
          lost.has(`${id}:${index}`),
        )),
      )
    }
    return { records, answer }
  }
}
