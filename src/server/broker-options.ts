import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'

/** What a broker can be told when it is started. */
export interface BrokerOptions {
  /**
   * How many brokers the process holds, with node ids from 1 on, besides one controller. Each has a
   * port of its own, counting up from the first, and a directory of its own below the data
   * directory. Default 1: one node that is broker and controller.
   */
  readonly brokers?: number
  /** 0 picks a free one. Replaces `listeners`, as `host` does. */
  readonly port?: number
  /** Default 127.0.0.1; `localhost` opens IPv4 and IPv6. */
  readonly host?: string
  /** Nothing touches the disk; all is gone after `stop`. */
  readonly memory?: boolean
  /** The data directory; without it and without `memory`, `log.dirs` of the settings. */
  readonly dataDir?: string
  /** Kafka's broker settings, as in server.properties. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** Says nothing by default. */
  readonly logger?: Logger
  /**
   * Told when a broker cannot go on: all its log directories have failed, or that of the metadata
   * log. Kafka ends its process then; without this the broker is stopped.
   */
  readonly onHalt?: (why: string, brokerId: number) => void
  readonly clock?: Clock
  readonly random?: Random
}
