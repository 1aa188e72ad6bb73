import { TcpChannel } from '../src/channel/tcp-channel.ts'
import { BrokerSessions } from '../src/metadata/controller/broker-sessions.ts'
import { FollowedLog } from '../src/quorum/observer/followed-log.ts'
import { QuorumLeader } from '../src/quorum/quorum-leader.ts'
import { Partition } from '../src/replication/partition.ts'
import { BrokerLifecycle } from '../src/server/broker-lifecycle.ts'
import { Log } from '../src/storage/log.ts'

/** A bug that a run must find, and what it must say of it. */
export interface Planted {
  readonly name: string
  /** The class whose method is replaced. */
  readonly prototype: object
  readonly method: string
  /** Returns the method with the bug. */
  readonly replace: (original: (...args: any[]) => any) => (this: any, ...args: any[]) => any
  readonly finds: RegExp
  /** A seed that found it; another change of the program may make it miss. */
  readonly seed: number
}

/** Puts a bug into the program; returns a function that takes it out. */
export function plant({ prototype, method, replace }: Planted): () => void {
  const target = prototype as Record<string, (...args: any[]) => any>
  const original = target[method]!
  target[method] = replace(original)
  return () => void (target[method] = original)
}

export const planted: readonly Planted[] = [
  {
    name: 'the controller never fences a silent broker',
    prototype: BrokerSessions.prototype,
    method: 'takeExpired',
    replace: () => () => null,
    finds: /still shows broker \d, which is silent/,
    seed: 1,
  },
  {
    name: 'the controller acknowledges what is not synced',
    prototype: Log.prototype,
    method: 'flush',
    replace: (original) =>
      async function (this: any) {
        original.call(this).catch(() => {})
      },
    finds:
      /was created|was deleted|partitions, not|has the retention|committed metadata has been lost/,
    seed: 3,
  },
  {
    name: 'the controller tells followers that all it has written is committed',
    prototype: QuorumLeader.prototype,
    method: 'fetch',
    replace: (original) =>
      async function (this: any, fetch) {
        const answer = await original.call(this, fetch)
        const highWatermark = Math.max(answer.highWatermark, this.log.writtenOffset)
        return answer.error === 'NONE' ? { ...answer, highWatermark } : answer
      },
    finds: /committed metadata has been lost|views differ/,
    seed: 3,
  },
  {
    name: 'a follower keeps the records that the controller has lost',
    prototype: FollowedLog.prototype,
    method: 'truncate',
    replace: () => () => true,
    finds: /does not recover/,
    seed: 3,
  },
  {
    name: 'a broker that was unregistered does not register again',
    prototype: BrokerLifecycle.prototype,
    method: 'registerAgain',
    replace: () => async () => 2_000,
    finds: /does not recover/,
    seed: 1,
  },
  {
    name: 'a connection that was lost is not opened again',
    prototype: TcpChannel.prototype,
    method: 'connectInTime',
    replace: (original) =>
      function (this: any) {
        if (this.failures === 0) original.call(this)
      },
    finds: /does not recover|does not start/,
    seed: 1,
  },
  {
    name: 'a broker goes on serving what it does not lead any more',
    prototype: Partition.prototype,
    method: 'resign',
    replace: () => () => {},
    finds: /and knows that/,
    seed: 1,
  },
  {
    name: 'a heartbeat is never sent again after a failure',
    prototype: BrokerLifecycle.prototype,
    method: 'noteFailure',
    replace: () =>
      function (this: any) {
        this.state = 'stopped'
      },
    finds: /does not recover|does not come back/,
    seed: 1,
  },
]
