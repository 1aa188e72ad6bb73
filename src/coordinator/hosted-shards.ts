import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Machine } from '../machine/machine.ts'
import { ApiError } from '../protocol/errors.ts'
import type { CoordinatorLog } from './coordinator-log.ts'
import { HostedShard, type ShardKind, type To } from './hosted-shard.ts'
import { keyPartition } from './key-partition.ts'

export interface HostedShardsOptions<Command, R, Effect, M extends Machine<Command, R, Effect>> {
  /** The number of partitions that the coordinator's topic has, or will have once it is created. */
  readonly partitionCount: () => number
  readonly kind: ShardKind<Command, R, Effect, M>
  readonly clock: Clock
  readonly logger: Logger
}

/** The partitions of a coordinator's topic that this broker leads, each with its shard. */
export class HostedShards<Command, R, Effect, M extends Machine<Command, R, Effect>> {
  private readonly options: HostedShardsOptions<Command, R, Effect, M>
  private readonly shards = new Map<number, HostedShard<Command, R, Effect, M>>()
  private closed = false

  constructor(options: HostedShardsOptions<Command, R, Effect, M>) {
    this.options = options
  }

  get isClosed(): boolean {
    return this.closed
  }

  /** Returns the partition of a group id or transactional id. */
  partitionFor(key: string): number {
    return keyPartition(key, this.options.partitionCount())
  }

  /**
   * Makes this broker the leader of the partition and reads `log`. Ignores an older leader epoch.
   */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    const before = this.shards.get(partition)
    if (this.closed || (before !== undefined && before.leaderEpoch >= leaderEpoch)) return
    before?.close()
    const { kind, clock, logger } = this.options
    const options = { kind, partition, leaderEpoch, log, clock, logger }
    this.shards.set(partition, new HostedShard(options))
  }

  /**
   * Closes the shard of a partition that another broker leads; parked requests get NOT_COORDINATOR.
   */
  resigned(partition: number): void {
    this.shards.get(partition)?.close()
    this.shards.delete(partition)
  }

  close(): void {
    this.closed = true
    for (const shard of this.shards.values()) shard.close()
    this.shards.clear()
  }

  all(): HostedShard<Command, R, Effect, M>[] {
    return [...this.shards.values()]
  }

  /** @throws ApiError NOT_COORDINATOR */
  at(partition: number): HostedShard<Command, R, Effect, M> {
    const shard = this.shards.get(partition)
    if (shard === undefined) throw new ApiError('NOT_COORDINATOR')
    return shard
  }

  /** Returns the shard of a key; undefined if another broker leads its partition. */
  of(key: string): HostedShard<Command, R, Effect, M> | undefined {
    return this.shards.get(this.partitionFor(key))
  }

  /**
   * @throws (rejects) ApiError NOT_COORDINATOR | COORDINATOR_LOAD_IN_PROGRESS | the errors of the
   *   machine
   */
  call<T>(key: string, command: (to: To<T>) => Command): Promise<T> {
    const shard = this.of(key)
    if (shard === undefined) return Promise.reject(new ApiError('NOT_COORDINATOR'))
    return shard.call(command)
  }

  tellAll(command: Command): void {
    for (const shard of this.shards.values()) shard.tell(command)
  }

  /**
   * Returns the answers of all shards in one list, without shards that are lost in the meantime.
   */
  async gather<T>(command: (to: To<T[]>) => Command): Promise<T[]> {
    const lists = this.all().map(async (shard) => {
      try {
        return await shard.call(command)
      } catch (error) {
        if (error instanceof ApiError && error.reason === 'NOT_COORDINATOR') return []
        throw error
      }
    })
    return (await Promise.all(lists)).flat()
  }
}
