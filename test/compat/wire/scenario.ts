import type { AnyApi } from '../../../src/protocol/schema.ts'
import type { Peer } from './peer.ts'

/** A conversation with two brokers, once in each version of `api`. */
export interface Scenario {
  readonly api: AnyApi
  readonly title?: string
  /** Whether the order of structs in arrays is compared, where Kafka's is deterministic. */
  readonly isInOrder?: boolean
  /** The versions to run; all stable ones by default. */
  readonly versions?: readonly number[]
  /** Maximum time of an answer in ms, where it may take long. */
  readonly answerMs?: number
  /**
   * Sends requests, and lets the peer note the answers. Names of topics and groups contain the
   * version.
   */
  readonly run: (peer: Peer, version: number) => Promise<void>
}
