import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Security } from './security-options.ts'

/** Options for starting a broker. */
export interface BrokerOptions {
  /**
   * Number of brokers in the process, with node ids from 1 on, plus one separate controller. Each
   * broker has its own port, counting up from the first, and its own directory below the data
   * directory. Default 1: one node that is broker and controller.
   */
  readonly brokers?: number
  /**
   * Port to listen on; 0 picks a free one. Replaces `listeners` by one named PLAINTEXT, as `host`
   * does; an `advertised.listeners` entry for PLAINTEXT stays in effect.
   */
  readonly port?: number
  /** Default 127.0.0.1; `localhost` opens IPv4 and IPv6. */
  readonly host?: string
  /** Keeps all data in memory; it is lost after `stop`. */
  readonly memory?: boolean
  /** The data directory. Without it and without `memory`, the setting `log.dirs` applies. */
  readonly dataDir?: string
  /** Contents of a server.properties file. As in Kafka, unknown names only give a warning. */
  readonly properties?: Readonly<Record<string, string>>
  /** Kafka's broker settings; they override `properties`. An unknown name is an error. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /**
   * For tests: secures the listener, named like its protocol, with certificates and passwords that
   * are made at each start. `Broker.clientSettings` has what clients need. Excludes the setting
   * `listeners`; other settings, as of an authorizer, may be added.
   */
  readonly security?: Security
  /** Logs nothing by default. */
  readonly logger?: Logger
  /**
   * Called when a broker cannot go on: all its log directories have failed, or the one with the
   * metadata log. Kafka ends its process then; without this callback the broker is stopped.
   */
  readonly onHalt?: (why: string, brokerId: number) => void
  readonly clock?: Clock
  readonly random?: Random
}
