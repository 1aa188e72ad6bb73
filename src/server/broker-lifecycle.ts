import type { Clock } from '../base/clock.ts'
import { messageOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import { Wait } from '../base/wait.ts'
import { ChannelFault } from '../channel/channel.ts'
import { nodeFeatures } from '../metadata/controller/brokers.ts'
import type { Endpoint } from '../metadata/image.ts'
import { ApiError, type ErrorName, errorName } from '../protocol/errors.ts'
import { brokerRegistration } from '../protocol/messages/62-broker-registration.ts'
import { brokerHeartbeat } from '../protocol/messages/63-broker-heartbeat.ts'
import type { ControllerClient } from './controller-client.ts'

export interface LifecycleOptions {
  readonly brokerId: number
  readonly clusterId: string
  /** Random, one for each start of the broker. */
  readonly incarnationId: string
  readonly endpoints: readonly Endpoint[]
  readonly rack: string | null
  /** Ids of the directories that are online. */
  readonly logDirs: readonly string[]
  /** The broker epoch of the last run if all directories were closed cleanly; else -1 (KIP-966). */
  readonly previousEpoch: number
  /** Ids of directories that take no new replicas (KIP-1066). */
  readonly cordonedLogDirs: readonly string[]
  /** `broker.heartbeat.interval.ms` */
  readonly heartbeatIntervalMs: number
  /** `initial.broker.registration.timeout.ms` */
  readonly registrationTimeoutMs: number
  /** `broker.session.timeout.ms`: a request that takes longer than half of it is given up. */
  readonly sessionTimeoutMs: number
  /** The offset of the newest metadata record that this broker serves by. */
  readonly appliedOffset: () => number
  readonly controller: ControllerClient
  readonly clock: Clock
  readonly logger: Logger
  /** Called once if the broker cannot go on: another one has its id. */
  readonly lost: (why: string) => void
}

type State = 'starting' | 'recovery' | 'running' | 'stopping' | 'stopped'

/** Time between two heartbeats of a broker that catches up, in ms. */
const catchUpIntervalMs = 10
/** Time between two heartbeats of a broker that waits for the end of its shutdown, in ms. */
const shutdownIntervalMs = 50
/** End of the wait for the controller's grant of a shutdown, in ms. */
const shutdownTimeoutMs = 5 * 60 * 1000

/** Errors of a registration that do not go away by themselves. */
const fatalErrors: ReadonlySet<ErrorName> = new Set([
  'INCONSISTENT_CLUSTER_ID',
  'INVALID_REGISTRATION',
  'UNSUPPORTED_VERSION',
  'CLUSTER_AUTHORIZATION_FAILED',
])

/**
 * A broker's registration and heartbeats (KIP-631, Kafka's `BrokerLifecycleManager`): one request
 * after the other, each with the offset of the metadata that the broker serves by.
 */
export class BrokerLifecycle {
  private readonly options: LifecycleOptions
  private readonly wait: Wait
  private state: State = 'starting'
  private brokerEpoch = -1
  private isFenced = true
  /** Ids of directories that have failed since the registration. */
  private readonly offlineLogDirs = new Set<string>()
  /** Offline directories that the controller knows of. */
  private reportedDirs = 0
  private readonly waiters = new Set<{ isDone: () => boolean; resolve: () => void }>()
  private ended: Promise<void> = Promise.resolve()

  constructor(options: LifecycleOptions) {
    this.options = options
    this.wait = new Wait(options.clock)
  }

  /** -1 before the registration. */
  get epoch(): number {
    return this.brokerEpoch
  }

  /** Whether the controller waits for the broker to apply its own registration. */
  get isCatchingUp(): boolean {
    return this.state === 'starting'
  }

  /**
   * Registers the broker and begins its heartbeats. Resolves when the controller takes it for
   * caught up with the metadata.
   * @throws (rejects) ApiError of the controller; REQUEST_TIMED_OUT if it does not answer in time.
   */
  async register(): Promise<void> {
    await this.registerUntil(this.options.registrationTimeoutMs)
    this.ended = this.beat()
    await this.until(() => this.state !== 'starting')
  }

  /** Asks to be unfenced: the broker is ready to serve. Resolves when it is. */
  async becomeReady(): Promise<void> {
    if (this.state === 'recovery') this.state = 'running'
    this.wait.end()
    await this.until(() => !this.isFenced || this.isStopped)
  }

  /** Sends the next heartbeat now, for instance because others wait for this broker's offset. */
  hurry(): void {
    this.wait.end()
  }

  /** Reports a failed directory; resolves when the controller knows of it. */
  async dirFailed(directoryId: string): Promise<void> {
    this.offlineLogDirs.add(directoryId)
    const count = this.offlineLogDirs.size
    this.wait.end()
    await this.until(() => this.reportedDirs >= count || this.isStopped)
  }

  /**
   * Asks for a controlled shutdown: resolves when the controller has moved all leaderships, at
   * latest after five minutes. Meanwhile the broker must follow the metadata and serve.
   */
  async shutDown(): Promise<void> {
    if (this.isStopped || this.brokerEpoch < 0) return
    this.state = 'stopping'
    this.wait.end()
    const timer = this.options.clock.after(shutdownTimeoutMs, () => this.stop())
    await this.until(() => this.isStopped)
    timer.clear()
  }

  /** Ends the heartbeats at once: the controller fences the broker when its session is over. */
  async close(): Promise<void> {
    this.stop()
    await this.ended
  }

  private get isStopped(): boolean {
    return this.state === 'stopped'
  }

  private stop(): void {
    this.state = 'stopped'
    this.wait.end()
    this.look()
  }

  private async registerUntil(timeoutMs: number): Promise<void> {
    const { brokerId, clock, logger, heartbeatIntervalMs } = this.options
    const untilMs = clock.monotonicMs() + timeoutMs
    let last: ErrorName | null = null
    while (!this.isStopped) {
      const error = await this.registerOnce(untilMs - clock.monotonicMs())
      if (error === 'NONE') return
      if (fatalErrors.has(error) || clock.monotonicMs() + heartbeatIntervalMs > untilMs) {
        const why = error === 'REQUEST_TIMED_OUT' ? 'does not answer' : 'refuses'
        throw new ApiError(error, `The controller ${why} the registration of broker ${brokerId}.`)
      }
      if (error !== last) logger.warn('the broker cannot be registered yet', { brokerId, error })
      last = error
      await this.wait.for(heartbeatIntervalMs)
    }
  }

  /** Returns REQUEST_TIMED_OUT if there is no answer in half a session, or in this time in ms. */
  private async registerOnce(limitMs: number): Promise<ErrorName> {
    const { brokerId, clusterId, incarnationId, endpoints, rack, logDirs } = this.options
    const answer = await this.options.controller
      .send({
        api: brokerRegistration,
        version: brokerRegistration.stableMax,
        body: {
          ...{ brokerId, clusterId, incarnationId, rack },
          listeners: endpoints,
          features: nodeFeatures,
          logDirs: logDirs.toSorted(),
          previousBrokerEpoch: this.options.previousEpoch,
        },
        timeoutMs: Math.min(limitMs, this.options.sessionTimeoutMs / 2),
        errorOf: (response) => response.errorCode,
      })
      .catch((error: unknown) => {
        if (error instanceof ChannelFault && error.kind === 'timedOut') return null
        throw error
      })
    if (answer === null) return 'REQUEST_TIMED_OUT'
    if (answer.errorCode === 0) this.brokerEpoch = answer.brokerEpoch
    return errorName(answer.errorCode)
  }

  /** Sends heartbeats until the broker is stopped. */
  private async beat(): Promise<void> {
    while (!this.isStopped) {
      const pauseMs = await this.beatOnce().catch((error: unknown) => {
        if (!this.isStopped) this.noteFailure(messageOf(error))
        return this.options.heartbeatIntervalMs
      })
      this.look()
      if (!this.isStopped) await this.wait.for(pauseMs)
    }
  }

  /** @returns the time until the next heartbeat, in ms. */
  private async beatOnce(): Promise<number> {
    const { controller, sessionTimeoutMs, heartbeatIntervalMs } = this.options
    const { state } = this
    const offline = [...this.offlineLogDirs]
    const answer = await controller.send({
      api: brokerHeartbeat,
      version: brokerHeartbeat.stableMax,
      body: {
        brokerId: this.options.brokerId,
        brokerEpoch: this.brokerEpoch,
        currentMetadataOffset: this.options.appliedOffset(),
        wantFence: state === 'starting' || state === 'recovery',
        wantShutDown: state === 'stopping',
        offlineLogDirs: offline,
        cordonedLogDirs: this.options.cordonedLogDirs,
      },
      timeoutMs: sessionTimeoutMs / 2,
      errorOf: (response) => response.errorCode,
    })
    const error = errorName(answer.errorCode)
    if (error === 'STALE_BROKER_EPOCH') return this.registerAgain()
    if (error !== 'NONE') {
      this.noteFailure(error)
      // A controller whose disk has failed cannot grant anything any more.
      if (state === 'stopping' && error === 'KAFKA_STORAGE_ERROR') this.stop()
      return heartbeatIntervalMs
    }
    this.reportedDirs = offline.length
    this.isFenced = answer.isFenced
    if (this.state === 'starting' && answer.isCaughtUp) this.state = 'recovery'
    if (state === 'stopping' && answer.shouldShutDown) this.stop()
    return this.pauseMs()
  }

  private pauseMs(): number {
    if (this.state === 'starting') return catchUpIntervalMs
    return this.state === 'stopping' ? shutdownIntervalMs : this.options.heartbeatIntervalMs
  }

  /**
   * The broker was unregistered, or another process has registered with its id. Kafka goes on with
   * heartbeats that are never accepted; here it registers again, unless the id is taken.
   */
  private async registerAgain(): Promise<number> {
    const { brokerId, logger, registrationTimeoutMs } = this.options
    if (this.state === 'stopping') {
      this.stop()
      return 0
    }
    logger.warn('the controller does not know this broker any more', { brokerId })
    const error = await this.registerOnce(registrationTimeoutMs)
    if (error === 'NONE') return 0
    if (error !== 'DUPLICATE_BROKER_REGISTRATION' && !fatalErrors.has(error)) {
      return this.options.heartbeatIntervalMs
    }
    this.options.lost(`broker ${brokerId} cannot be registered again: ${error}`)
    this.stop()
    return 0
  }

  private noteFailure(error: string): void {
    const { brokerId, logger } = this.options
    logger.warn('a heartbeat has failed', { brokerId, error })
  }

  private until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve()
    return new Promise((resolve) => this.waiters.add({ isDone, resolve }))
  }

  private look(): void {
    for (const waiter of this.waiters) {
      if (!waiter.isDone()) continue
      this.waiters.delete(waiter)
      waiter.resolve()
    }
  }
}
