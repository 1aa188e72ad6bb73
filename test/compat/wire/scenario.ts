import type { AnyApi } from '../../../src/protocol/schema.ts'
import type { Peer } from './peer.ts'

/** A conversation that is held with two brokers, once in each version of `api`. */
export interface Scenario {
  readonly api: AnyApi
  readonly title?: string
  /** Asks, and lets the peer note the answers. Names of topics and groups carry the version. */
  readonly run: (peer: Peer, version: number) => Promise<void>
}
