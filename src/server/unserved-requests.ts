import type { Logger } from '../base/logger.ts'

/** Maximum number of remembered combinations; later ones are not logged. */
const saidMax = 1000

/** A request that closes its connection because its API key or version is not served. */
export interface UnservedRequest {
  /** `Produce`, or the number of an unknown API key. */
  readonly request: string
  readonly version: number
  /** Served versions: `3-13`; null for an API key that is not served at all. */
  readonly served: string | null
  /** `librdkafka 2.3.0`, from ApiVersions; `unknown` if not sent. */
  readonly software: string
  readonly clientId: string | null
  readonly host: string
}

/**
 * Warns of requests that close their connection, once per request, version and client software: a
 * client that is too old retries for ever.
 */
export class UnservedRequests {
  private readonly said = new Set<string>()
  private readonly logger: Logger

  constructor(logger: Logger) {
    this.logger = logger
  }

  note({ request, version, served, software, clientId, host }: UnservedRequest): void {
    const key = JSON.stringify([request, version, software])
    if (this.said.has(key) || this.said.size >= saidMax) return
    this.said.add(key)
    this.logger.warn('a connection is closed: its request is not served in this version', {
      request,
      version,
      served: served ?? 'none',
      software,
      client: clientId,
      host,
    })
  }
}
