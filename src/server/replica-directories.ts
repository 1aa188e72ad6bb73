import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { PlacedPartition } from '../metadata/directories.ts'
import { assignReplicasToDirs } from '../protocol/messages/73-assign-replicas-to-dirs.ts'
import type { ControllerClient } from './controller-client.ts'

/** A replica of this broker, and the directory that holds it. */
export interface PlacedReplica extends PlacedPartition {
  readonly directoryId: string
}

/** Maximum number of replicas in one request (Kafka's `AssignmentsManager`). */
const replicasMax = 2250
/** End of the attempts of one request, in ms. */
const requestTimeoutMs = 60_000

/** Tells the controller in which directories this broker's replicas lie (KIP-858). */
export class ReplicaDirectories {
  private readonly controller: ControllerClient
  private readonly brokerId: number
  private readonly epoch: () => number
  private readonly logger: Logger
  private last: Promise<void> = Promise.resolve()

  /** @param options.epoch the broker epoch. */
  constructor(options: {
    readonly controller: ControllerClient
    readonly brokerId: number
    readonly epoch: () => number
    readonly logger: Logger
  }) {
    this.controller = options.controller
    this.brokerId = options.brokerId
    this.epoch = options.epoch
    this.logger = options.logger
  }

  /** Resolves when the controller has been told; an error is logged. One request at a time. */
  assign(replicas: readonly PlacedReplica[]): Promise<void> {
    this.last = this.last.then(async () => {
      for (let i = 0; i < replicas.length; i += replicasMax) {
        await this.send(replicas.slice(i, i + replicasMax))
      }
    })
    return this.last
  }

  private async send(replicas: readonly PlacedReplica[]): Promise<void> {
    try {
      const { errorCode } = await this.controller.send({
        api: assignReplicasToDirs,
        version: assignReplicasToDirs.stableMax,
        body: {
          brokerId: this.brokerId,
          brokerEpoch: this.epoch(),
          directories: byDirectory(replicas),
        },
        timeoutMs: requestTimeoutMs,
        errorOf: (response) => response.errorCode,
      })
      if (errorCode !== 0) this.noteFailure(`error code ${errorCode}`)
    } catch (error) {
      this.noteFailure(messageOf(error))
    }
  }

  private noteFailure(error: string): void {
    this.logger.error('the controller could not be told in which directories partitions lie', {
      broker: this.brokerId,
      error,
    })
  }
}

function byDirectory(replicas: readonly PlacedReplica[]) {
  const directories = new Map<string, Map<string, { partitionIndex: number }[]>>()
  for (const { directoryId, topicId, index } of replicas) {
    let topics = directories.get(directoryId)
    if (topics === undefined) directories.set(directoryId, (topics = new Map()))
    const partitions = topics.get(topicId)
    if (partitions === undefined) topics.set(topicId, [{ partitionIndex: index }])
    else partitions.push({ partitionIndex: index })
  }
  return [...directories].map(([id, topics]) => ({
    id,
    topics: [...topics].map(([topicId, partitions]) => ({ topicId, partitions })),
  }))
}
