import type { Clock } from '../base/clock.ts'
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import { CoordinatorPartition } from '../replication/coordinator-partition.ts'
import type { Partitions } from '../replication/partitions.ts'

interface Coordinator {
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void
  resigned(partition: number): void
}

/** Loads and unloads a coordinator's partitions as this broker gains or loses their leadership. */
export function coordinateTopic(options: {
  readonly topic: string
  readonly coordinator: Coordinator
  /** Base sequence of the batches written, as Kafka's coordinator of this kind sets it. */
  readonly baseSequence: 0 | -1
  readonly partitions: Partitions
  readonly clock: Clock
}): void {
  const { topic, coordinator, baseSequence, partitions, clock } = options
  partitions.listen({
    elected(partition) {
      if (partition.topic !== topic) return
      const log = new CoordinatorPartition(partition, clock, baseSequence)
      coordinator.elected(partition.index, partition.leaderEpoch, log)
    },
    resigned(of, index) {
      if (of === topic) coordinator.resigned(index)
    },
  })
}
