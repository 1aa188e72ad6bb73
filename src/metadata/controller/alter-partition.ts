import { ApiError, type ErrorName, errorCode } from '../../protocol/errors.ts'
import type {
  AlterPartitionRequest,
  AlterPartitionResponse,
} from '../../protocol/messages/56-alter-partition.ts'
import type { PartitionChangeRecord } from '../../protocol/stored/metadata/05-partition-change-record.ts'
import { type Image, type PartitionState, topicById } from '../image.ts'
import { decodeMetadataRecord, encodeMetadataRecord, type MetadataRecord } from '../records.ts'
import { changed } from '../replay-records.ts'
import { registrationOf } from './broker-life.ts'
import type { Command } from './controller.ts'
import { leaderRecoveryStates, partitionChange } from './partition-change.ts'
import { TopicRules } from './partition-rules.ts'

type AskedTopic = AlterPartitionRequest['topics'][number]
type AskedPartition = AskedTopic['partitions'][number]
type AnsweredTopic = AlterPartitionResponse['topics'][number]
type AnsweredPartition = AnsweredTopic['partitions'][number]

/** A replica in the ISR that a leader proposes. */
interface Member {
  readonly brokerId: number
  /** -1 if the leader does not say: before v3, or on purpose. */
  readonly brokerEpoch: number
}

/** Partitions decided on between two yields. */
const partitionsBetween = 64

/**
 * Changes the ISR of partitions for their leader (KIP-497, KIP-704, KIP-841).
 * @param hasEpochs whether the request names the epochs of the replicas (v3, KIP-903).
 * @throws ApiError STALE_BROKER_EPOCH; UNKNOWN_SERVER_ERROR for a recovery state that is none.
 */
export function alterPartition(
  { brokerId, brokerEpoch, topics }: AlterPartitionRequest,
  hasEpochs: boolean,
): Command<AnsweredTopic[]> {
  return function* (view) {
    const { image } = view
    registrationOf(image, brokerId, brokerEpoch)
    const records: MetadataRecord[] = []
    const answer: AnsweredTopic[] = []
    let seen = 0
    for (const { topicId, partitions } of topics) {
      const topic = topicById(image, topicId)
      const rules = topic === undefined ? null : new TopicRules(view, topic)
      const answered: AnsweredPartition[] = []
      for (const asked of partitions) {
        if (++seen % partitionsBetween === 0) yield
        const { partitionIndex: index } = asked
        const partition = topic?.partitions[index]
        const members = hasEpochs ? asked.newIsrWithEpochs : asked.newIsr.map(withoutEpoch)
        const error =
          topic === undefined
            ? 'UNKNOWN_TOPIC_ID'
            : refusalOf(partition, brokerId, asked, members, image)
        if (error !== null) {
          answered.push(refused(index, error))
          continue
        }
        const record = partitionChange(rules!.of(index), {
          isr: members.map((one) => one.brokerId),
          leaderRecoveryState: asked.leaderRecoveryState,
          election: rules!.isUncleanEnabled ? 'unclean' : 'online',
        })
        if (record !== null) records.push(record)
        answered.push(answerOf(index, partition!, brokerId, record))
      }
      answer.push({ topicId, partitions: answered })
    }
    return { records, answer }
  }
}

const withoutEpoch = (brokerId: number): Member => ({ brokerId, brokerEpoch: -1 })

/** Returns why a change is refused, in the order of Kafka's checks; null if it is not. */
function refusalOf(
  partition: PartitionState | undefined,
  brokerId: number,
  asked: AskedPartition,
  members: readonly Member[],
  image: Image,
): ErrorName | null {
  if (partition === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
  const { leader, leaderEpoch, partitionEpoch, replicas } = partition
  // A leader that knows more was elected by a controller that came after this one.
  if (asked.leaderEpoch > leaderEpoch || asked.partitionEpoch > partitionEpoch) {
    return 'NOT_CONTROLLER'
  }
  if (asked.leaderEpoch < leaderEpoch) return 'FENCED_LEADER_EPOCH'
  if (brokerId !== leader) return 'INVALID_REQUEST'
  if (asked.partitionEpoch < partitionEpoch) return 'INVALID_UPDATE_VERSION'
  const ids = members.map((one) => one.brokerId)
  const isPossible =
    ids.includes(leader) &&
    new Set(ids).size === ids.length &&
    ids.every((id) => replicas.includes(id))
  if (!isPossible) return 'INVALID_REQUEST'
  const { recovered, recovering } = leaderRecoveryStates
  const { leaderRecoveryState: state } = asked
  if (state !== recovered && state !== recovering) throw new ApiError('UNKNOWN_SERVER_ERROR')
  const isBack = state === recovering && partition.leaderRecoveryState === recovered
  if (isBack || (state === recovering && ids.length > 1)) return 'INVALID_REQUEST'
  return members.every((one) => mayJoin(one, image)) ? null : 'INELIGIBLE_REPLICA'
}

/** Whether a replica may be in an ISR: it is alive, and the incarnation that the leader means. */
function mayJoin({ brokerId, brokerEpoch }: Member, { brokers }: Image): boolean {
  const broker = brokers.get(brokerId)
  if (broker === undefined || broker.inControlledShutdown || broker.fenced) return false
  return brokerEpoch === -1 || brokerEpoch === broker.epoch
}

function refused(partitionIndex: number, error: ErrorName): AnsweredPartition {
  return {
    ...{ partitionIndex, errorCode: errorCode(error) },
    ...{ leaderId: 0, leaderEpoch: 0, isr: [], leaderRecoveryState: 0, partitionEpoch: 0 },
  }
}

function answerOf(
  index: number,
  before: PartitionState,
  brokerId: number,
  record: MetadataRecord | null,
): AnsweredPartition {
  if (record === null) return stateOf(index, before)
  const { value } = decodeMetadataRecord(encodeMetadataRecord(record))
  const after = changed(before, value as unknown as PartitionChangeRecord)
  // The change has ended a reassignment, and another replica leads.
  const isDeposed = after.leaderEpoch !== before.leaderEpoch && after.leader !== brokerId
  return isDeposed ? refused(index, 'NEW_LEADER_ELECTED') : stateOf(index, after)
}

function stateOf(partitionIndex: number, partition: PartitionState): AnsweredPartition {
  const { leader: leaderId, leaderEpoch, isr, leaderRecoveryState, partitionEpoch } = partition
  return {
    ...{ partitionIndex, errorCode: 0, leaderId, leaderEpoch, isr },
    ...{ leaderRecoveryState, partitionEpoch },
  }
}
