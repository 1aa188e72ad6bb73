import type { BrokerSettings } from '../../metadata/config/settings.ts'

/** Sizes and times of an observer's requests. */
export interface ObserverLimits {
  /** Maximum bytes of a Fetch response, except that one batch always comes. */
  readonly fetchMaxBytes: number
  /** Maximum bytes of a piece of a snapshot. */
  readonly snapshotMaxBytes: number
  /** How long, in ms, only the leader is asked after its last answer. */
  readonly fetchTimeoutMs: number
  readonly requestTimeoutMs: number
  /** The pause, in ms, before a request that is not the consequence of news. */
  readonly retryBackoffMs: number
}

export function observerLimits(settings: BrokerSettings): ObserverLimits {
  const int = (name: string) => settings.int(`controller.quorum.${name}`)
  return {
    fetchMaxBytes: int('fetch.max.bytes'),
    snapshotMaxBytes: int('fetch.snapshot.max.bytes'),
    fetchTimeoutMs: int('fetch.timeout.ms'),
    requestTimeoutMs: int('request.timeout.ms'),
    retryBackoffMs: int('retry.backoff.ms'),
  }
}
