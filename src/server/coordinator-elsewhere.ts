import type { TransactionCoordinator } from '../coordinator/transaction/coordinator.ts'
import {
  type PartitionSet,
  partitionSet,
  topicsOf,
} from '../coordinator/transaction/partition-set.ts'
import { ApiError, type ErrorName, errorName } from '../protocol/errors.ts'
import { addPartitionsToTxn } from '../protocol/messages/24-add-partitions-to-txn.ts'
import { type BrokerChannels, orNetworkException } from './broker-channels.ts'

/** The calls that the leader of a user's partition makes to a transaction coordinator. */
export type AdmittingCoordinator = Pick<
  TransactionCoordinator,
  'addPartitions' | 'verifyPartitions'
>

/** The version with TRANSACTION_ABORTABLE (KIP-890). */
const version = 5

/**
 * The transaction coordinator of another broker (Kafka's `AddPartitionsToTxnManager`).
 */
export class CoordinatorElsewhere implements AdmittingCoordinator {
  private readonly brokerId: number
  private readonly channels: BrokerChannels
  private readonly timeoutMs: number

  /** @param timeoutMs `request.timeout.ms` */
  constructor(brokerId: number, channels: BrokerChannels, timeoutMs: number) {
    this.brokerId = brokerId
    this.channels = channels
    this.timeoutMs = timeoutMs
  }

  async addPartitions(options: Parameters<AdmittingCoordinator['addPartitions']>[0]) {
    const errors = await this.ask(options, false)
    const first = errors.find(
      ({ error }) => error !== 'NONE' && error !== 'OPERATION_NOT_ATTEMPTED',
    )
    if (first !== undefined) throw new ApiError(first.error)
  }

  async verifyPartitions(options: Parameters<AdmittingCoordinator['verifyPartitions']>[0]) {
    const errors = await this.ask(options, true)
    const missing = errors.filter(({ error }) => error === 'TRANSACTION_ABORTABLE')
    const other = errors.find(({ error }) => error !== 'NONE' && error !== 'TRANSACTION_ABORTABLE')
    if (other !== undefined) throw new ApiError(other.error)
    return partitionSet(missing.map(({ topic, index }) => ({ topic, partitions: [index] })))
  }

  private async ask(
    producer: {
      readonly transactionalId: string
      readonly producerId: number
      readonly producerEpoch: number
      readonly partitions: PartitionSet
    },
    verifyOnly: boolean,
  ): Promise<{ topic: string; index: number; error: ErrorName }[]> {
    const channel = this.channels.to(this.brokerId)
    if (channel === null) throw new ApiError('COORDINATOR_NOT_AVAILABLE')
    const { transactionalId, producerId, producerEpoch, partitions } = producer
    const topics = topicsOf(partitions).map(({ topic, partitions: indexes }) => ({
      ...{ name: topic, partitions: indexes },
    }))
    const transaction = { transactionalId, producerId, producerEpoch, verifyOnly, topics }
    const body = { transactions: [transaction] }
    const { timeoutMs } = this
    const answer = await orNetworkException(
      channel.send(addPartitionsToTxn, version, body, { timeoutMs }),
    )
    if (answer.errorCode !== 0) throw new ApiError(errorName(answer.errorCode))
    return answer.resultsByTransaction.flatMap(({ topicResults }) =>
      topicResults.flatMap(({ name, resultsByPartition }) =>
        resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => ({
          ...{ topic: name, index: partitionIndex, error: errorName(partitionErrorCode) },
        })),
      ),
    )
  }
}
