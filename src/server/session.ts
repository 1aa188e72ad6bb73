import type { Principal } from '../security/authorizer.ts'
import type { Login } from '../security/sasl/server.ts'
import type { Vantage } from './endpoints.ts'

/** The client of a connection, from when it is accepted to its end. */
export interface Session extends Vantage {
  readonly id: string
  /** In the format of Java's InetAddress: `/127.0.0.1`. */
  readonly clientHost: string
  readonly clientPort: number
  /** From ApiVersions v3 on (KIP-511); `unknown` before. */
  softwareName: string
  softwareVersion: string
  /** Changes when the client authenticates. */
  principal: Principal
  /** By SASL; null before it, and on a listener without it. */
  login: Login | null
  /** True from the start on a listener without SASL. */
  isAuthenticated: boolean
  /**
   * Another node of this process, by the loopback carrier: it is this program, so that it may do
   * everything, and falls silent only together with this node.
   */
  readonly isSameProcess: boolean
  /** A request that begins later, because it is long or delayed; those behind it wait for it. */
  delayed: Promise<void> | null
  /** Aborted when the connection is closed, so that a delayed request can end. */
  readonly closed: AbortSignal
  /** Starts and reads no more requests of the client for a time. */
  mute(forMs: number): void
}

/** Returns the session of a client that has not said anything yet. */
export function newSession(
  client: Vantage &
    Pick<
      Session,
      'id' | 'clientHost' | 'clientPort' | 'closed' | 'mute' | 'principal' | 'isAuthenticated'
    >,
): Session {
  return {
    ...client,
    softwareName: 'unknown',
    softwareVersion: 'unknown',
    login: null,
    isSameProcess: false,
    delayed: null,
  }
}
