import { silentLogger } from '../../../src/base/logger.ts'
import { endlessTurn } from '../../../src/base/turns.ts'
import type { Marker } from '../../../src/coordinator/coordinator-log.ts'
import {
  type TransactionConfig,
  transactionConfigDefaults,
} from '../../../src/coordinator/transaction/commands.ts'
import { TransactionCoordinator } from '../../../src/coordinator/transaction/coordinator.ts'
import { partitionSet } from '../../../src/coordinator/transaction/partition-set.ts'
import type { ErrorName } from '../../../src/protocol/errors.ts'
import { ApiError } from '../../../src/protocol/errors.ts'
import { MemoryLog } from '../group/memory-log.ts'
import { SteppedClock, settle } from '../group/stepped-clock.ts'

export interface Written extends Marker {
  readonly at: string
}

/** Partitions that accept markers at once, when the test permits it, or never. */
export class Partitions {
  readonly written: Written[] = []
  readonly refusing = new Map<string, ErrorName>()
  isHeld = false
  private readonly held: (() => void)[] = []

  write = async (topic: string, partition: number, marker: Marker): Promise<void> => {
    const at = `${topic}-${partition}`
    if (this.isHeld) await new Promise<void>((resolve) => this.held.push(resolve))
    const refusal = this.refusing.get(at)
    if (refusal !== undefined) throw new ApiError(refusal)
    this.written.push({ at, ...marker })
  }

  release(): void {
    this.isHeld = false
    for (const resolve of this.held.splice(0)) resolve()
  }
}

/**
 * Creates a coordinator with one partition, its log in memory and a clock that the test advances.
 */
export async function transactions(
  o: { config?: Partial<TransactionConfig>; log?: MemoryLog; firstProducerId?: number } = {},
) {
  const clock = new SteppedClock()
  const log = o.log ?? new MemoryLog()
  const partitions = new Partitions()
  let producerId = o.firstProducerId ?? 1000
  const coordinator = new TransactionCoordinator({
    partitionCount: () => 1,
    clock,
    logger: silentLogger,
    turns: endlessTurn,
    config: Object.assign({ ...transactionConfigDefaults }, o.config),
    takeProducerId: async () => producerId++,
    writeMarker: partitions.write,
  })
  coordinator.elected(0, 3, log)
  await settle()
  return { coordinator, clock, log, partitions, producer: producerOf(coordinator) }
}

/** The requests of one producer, with its current id and epoch. */
function producerOf(coordinator: TransactionCoordinator) {
  return (transactionalId: string, timeoutMs = 60_000) => {
    const identity = { producerId: -1, producerEpoch: -1 }
    const me = () => ({ transactionalId, ...identity })
    return {
      identity,
      async init(expected: typeof identity | null = null) {
        const found = await coordinator.initProducerId({ transactionalId, timeoutMs, expected })
        return Object.assign(identity, found)
      },
      add: (topics: Readonly<Record<string, number[]>>, transactionVersion = 2) =>
        coordinator.addPartitions({ ...me(), partitions: setOf(topics), transactionVersion }),
      verify: (topics: Readonly<Record<string, number[]>>) =>
        coordinator.verifyPartitions({ ...me(), partitions: setOf(topics) }),
      async end(isCommit: boolean, transactionVersion = 2) {
        const found = await coordinator.endTransaction({ ...me(), isCommit, transactionVersion })
        if (transactionVersion >= 2) Object.assign(identity, found)
        return found
      },
      state: async () => (await coordinator.describe(transactionalId)).transactionState,
    }
  }
}

export function setOf(topics: Readonly<Record<string, readonly number[]>>) {
  const entries = Object.entries(topics)
  return partitionSet(entries.map(([topic, partitions]) => ({ topic, partitions })))
}

/** Returns the error of a request, or NONE. */
export async function errorOf(answer: Promise<unknown>): Promise<ErrorName> {
  try {
    await answer
    return 'NONE'
  } catch (error) {
    if (error instanceof ApiError) return error.reason
    throw error
  }
}
