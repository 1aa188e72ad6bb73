import type { Clock } from '../base/clock.ts'
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import { PartitionCoordinatorLog } from '../replication/coordinator-log.ts'
import type { Partitions } from '../replication/partitions.ts'

interface Coordinator {
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void
  resigned(partition: number): void
}

/** Keeps a coordinator in step with the partitions of its topic that this broker leads. */
export function coordinateTopic(o: {
  readonly topic: string
  readonly coordinator: Coordinator
  /** Of the batches it writes: the base sequence that Kafka's coordinator of this kind has there. */
  readonly baseSequence: 0 | -1
  readonly partitions: Partitions
  readonly clock: Clock
}): void {
  const { topic, coordinator, baseSequence, partitions, clock } = o
  partitions.listen({
    elected(partition) {
      if (partition.topic !== topic) return
      const log = new PartitionCoordinatorLog(partition, clock, baseSequence)
      coordinator.elected(partition.index, partition.leaderEpoch, log)
    },
    resigned(of, index) {
      if (of === topic) coordinator.resigned(index)
    },
  })
}
