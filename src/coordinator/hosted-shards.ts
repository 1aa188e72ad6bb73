import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Machine } from '../machine/machine.ts'
import { Refusal } from '../protocol/errors.ts'
import type { CoordinatorLog } from './coordinator-log.ts'
import { HostedShard, type ShardKind, type To } from './hosted-shard.ts'
import { keyPartition } from './key-partition.ts'

export interface HostedShardsOptions<Command, R, M extends Machine<Command, R>> {
  /** Partitions of the coordinator's topic, as it is or as it will be created. */
  readonly partitionCount: () => number
  /** How a shard is made; `host` gives the shard once it stands. */
  readonly kind: (host: () => HostedShard<Command, R, M>) => ShardKind<Command, R, M>
  readonly clock: Clock
  readonly logger: Logger
}

/** The partitions of a coordinator's topic that this broker leads, each with what it keeps. */
export class HostedShards<Command, R, M extends Machine<Command, R>> {
  private readonly o: HostedShardsOptions<Command, R, M>
  private readonly shards = new Map<number, HostedShard<Command, R, M>>()
  private closed = false

  constructor(o: HostedShardsOptions<Command, R, M>) {
    this.o = o
  }

  get isClosed(): boolean {
    return this.closed
  }

  /** The partition that keeps a group or a transactional id. */
  partitionFor(key: string): number {
    return keyPartition(key, this.o.partitionCount())
  }

  /** This broker leads the partition now; it is read from `log`. An older epoch is ignored. */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    const before = this.shards.get(partition)
    if (this.closed || (before !== undefined && before.leaderEpoch >= leaderEpoch)) return
    before?.close()
    const { clock, logger } = this.o
    const kind = this.o.kind(() => shard)
    const shard = new HostedShard({ kind, partition, leaderEpoch, log, clock, logger })
    this.shards.set(partition, shard)
  }

  /** Another broker leads the partition now. Parked requests are answered NOT_COORDINATOR. */
  resigned(partition: number): void {
    this.shards.get(partition)?.close()
    this.shards.delete(partition)
  }

  close(): void {
    this.closed = true
    for (const shard of this.shards.values()) shard.close()
    this.shards.clear()
  }

  all(): HostedShard<Command, R, M>[] {
    return [...this.shards.values()]
  }

  /** @throws Refusal NOT_COORDINATOR */
  at(partition: number): HostedShard<Command, R, M> {
    const shard = this.shards.get(partition)
    if (shard === undefined) throw new Refusal('NOT_COORDINATOR')
    return shard
  }

  /** The shard of a key, where this broker leads it. */
  of(key: string): HostedShard<Command, R, M> | undefined {
    return this.shards.get(this.partitionFor(key))
  }

  /** @throws (rejects) Refusal NOT_COORDINATOR | COORDINATOR_LOAD_IN_PROGRESS | what the machine says. */
  call<T>(key: string, command: (to: To<T>) => Command): Promise<T> {
    const shard = this.of(key)
    if (shard === undefined) return Promise.reject(new Refusal('NOT_COORDINATOR'))
    return shard.call(command)
  }

  tellAll(command: Command): void {
    for (const shard of this.shards.values()) shard.tell(command)
  }

  /** What all shards answer, in one list; those that go meanwhile have no part in it. */
  async gather<T>(command: (to: To<T[]>) => Command): Promise<T[]> {
    const lists = this.all().map(async (shard) => {
      try {
        return await shard.call(command)
      } catch (error) {
        if (error instanceof Refusal && error.reason === 'NOT_COORDINATOR') return []
        throw error
      }
    })
    return (await Promise.all(lists)).flat()
  }
}
