import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/error-text.ts'
import type { Logger } from '../../base/logger.ts'
import { appendInParts } from '../append-in-parts.ts'
import type { CoordinatorLog, LoadedBatch } from '../coordinator-log.ts'
import type { HostedShard, ShardKind, To } from '../hosted-shard.ts'
import { HostedShards } from '../hosted-shards.ts'
import type { TopicView } from '../topic-view.ts'
import type {
  ChangedState,
  ReadState,
  ShareCommand,
  ShareCoordinatorConfig,
  ShareEffect,
  StateSummary,
  WrittenState,
} from './commands.ts'
import { fromKeyValue, type ShareRecord, toKeyValue } from './records.ts'
import { ShareShard } from './shard.ts'
import { coordinatorKey, type ShareKey } from './share-key.ts'

/** Maximum number of records in a batch of many share partitions. */
const recordsMax = 500

type Kind = ShardKind<ShareCommand, ShareRecord, ShareEffect, ShareShard>

export interface ShareCoordinatorOptions {
  /** The number of partitions that `__share_group_state` has, or will have once it is created. */
  readonly partitionCount: () => number
  readonly clock: Clock
  readonly logger: Logger
  readonly topics: TopicView
  readonly config: ShareCoordinatorConfig
}

/**
 * Keeps the state of share partitions for their leaders (KIP-932). A request is answered with the
 * row of its share partition, and rejects with NOT_COORDINATOR if another broker leads the key's
 * partition, with COORDINATOR_LOAD_IN_PROGRESS while that is read.
 */
export class ShareCoordinator {
  private readonly options: ShareCoordinatorOptions
  private readonly shards: HostedShards<ShareCommand, ShareRecord, ShareEffect, ShareShard>

  constructor(options: ShareCoordinatorOptions) {
    this.options = options
    const { partitionCount, clock, logger } = options
    this.shards = new HostedShards({ partitionCount, kind: this.kind(), clock, logger })
  }

  /** Makes this broker the leader of the partition. Ignores an older leader epoch. */
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): void {
    this.shards.elected(partition, leaderEpoch, log)
  }

  /** Closes the shard of a partition that another broker leads. */
  resigned(partition: number): void {
    this.shards.resigned(partition)
  }

  /** Removes the state of these topics. */
  topicsDeleted(topicIds: ReadonlySet<string>): void {
    this.shards.tellAll({ kind: 'topicsDeleted', topicIds })
  }

  close(): void {
    this.shards.close()
  }

  /** Begins the state of a share partition, or moves its start offset with a new state epoch. */
  initialize(
    key: ShareKey,
    state: { readonly stateEpoch: number; readonly startOffset: number },
  ): Promise<ChangedState> {
    return this.call(key, (to) => ({ kind: 'initialize', to, key, ...state }))
  }

  /** @param leaderEpoch of the reader; older ones are fenced from now on. */
  read(key: ShareKey, leaderEpoch: number): Promise<ReadState> {
    return this.call(key, (to) => ({ kind: 'read', to, key, leaderEpoch }))
  }

  write(key: ShareKey, written: WrittenState): Promise<ChangedState> {
    return this.call(key, (to) => ({ kind: 'write', to, key, written }))
  }

  delete(key: ShareKey): Promise<ChangedState> {
    return this.call(key, (to) => ({ kind: 'delete', to, key }))
  }

  readSummary(key: ShareKey): Promise<StateSummary> {
    return this.call(key, (to) => ({ kind: 'readSummary', to, key }))
  }

  private call<T>(key: ShareKey, command: (to: To<T>) => ShareCommand): Promise<T> {
    return this.shards.call(coordinatorKey(key), command)
  }

  private kind(): Kind {
    const { config, topics } = this.options
    return {
      topic: '__share_group_state',
      newMachine: () => new ShareShard({ config, topics }),
      recordsOf,
      append: (records, log) => appendInParts(records.map(toKeyValue), log, recordsMax),
      perform: (effect, shard) => this.deleteRecords(effect, shard),
      loaded: { kind: 'loaded' },
    }
  }

  private deleteRecords(
    { beforeOffset }: ShareEffect,
    { log }: HostedShard<ShareCommand, ShareRecord, ShareEffect, ShareShard>,
  ): void {
    try {
      log.deleteRecordsBefore(beforeOffset)
    } catch (error) {
      this.options.logger.warn('redundant records of share groups could not be deleted', {
        beforeOffset,
        error: messageOf(error),
      })
    }
  }
}

function* recordsOf(batch: LoadedBatch): Generator<ShareRecord> {
  for (const keyValue of batch.records) {
    const record = fromKeyValue(keyValue)
    if (record !== null) yield record
  }
}
