import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { Assembly } from './assembly.ts'
import type { BrokerOptions } from './broker-options.ts'
import type { AddressInfo } from './listening.ts'
import type { ClientMetrics } from './telemetry/client-telemetry.ts'

/** One of the brokers of a process. */
export interface BrokerInfo {
  readonly brokerId: number
  /** Of the first listener: `127.0.0.1:9092`. */
  readonly address: string
  /** Every open listener, with the address that clients are told. */
  readonly listeners: readonly AddressInfo[]
  readonly isRunning: boolean
}

/** A broker in this process, or several with one controller. Several calls of `start` share nothing. */
export class Broker {
  private readonly assembly: Assembly
  private stopping: Promise<void> | null = null

  private constructor(assembly: Assembly) {
    this.assembly = assembly
  }

  /**
   * Starts a broker; resolves when it accepts connections and every topic can be used.
   * @throws BadConfig, CannotListen, DirectoryLocked, CannotUseDirectory with a line for the operator.
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const assembly = await Assembly.build({
      ...options,
      logger: options.logger ?? silentLogger,
      clock: options.clock ?? systemClock,
      random: options.random ?? systemRandom,
    })
    return new Broker(assembly)
  }

  /** `127.0.0.1:9092`: what to give a client as its bootstrap server. Of several, the first one's. */
  get address(): string {
    return `${this.host}:${this.port}`
  }

  get host(): string {
    return this.listeners[0]!.host
  }

  get port(): number {
    return this.listeners[0]!.port
  }

  /** Every open listener of the first broker, with the address that clients are told. */
  get listeners(): readonly AddressInfo[] {
    return this.assembly.addressesOf(this.brokerId)
  }

  /** All brokers of the process, by id. */
  get brokers(): readonly BrokerInfo[] {
    return this.assembly.brokerIds.map((brokerId) => {
      const listeners = this.assembly.addressesOf(brokerId)
      const { host, port } = listeners[0]!
      const isRunning = this.assembly.isRunning(brokerId)
      return { brokerId, address: `${host}:${port}`, listeners, isRunning }
    })
  }

  get clusterId(): string {
    return this.assembly.clusterId
  }

  /** The id of the first broker. */
  get brokerId(): number {
    return this.assembly.brokerIds[0]!
  }

  /** Where the data is, the controller's directory first if it has one; empty in memory. */
  get dataDirs(): readonly string[] {
    return this.assembly.dataDirs
  }

  /**
   * The newest metrics that each client has pushed to a broker (KIP-714), of the last thousand clients;
   * nothing unless `odradek.telemetry.enabled` is set.
   */
  clientMetrics(): ClientMetrics[] {
    return this.assembly.clientMetrics()
  }

  /**
   * Takes one broker out in order, as Kafka's controlled shutdown does: the others know at once, its
   * connections are closed, its partitions have no leader until it comes again.
   * @throws RangeError for an id that is not here.
   */
  stopBroker(brokerId: number): Promise<void> {
    return this.assembly.stopBroker(brokerId)
  }

  /** Brings a stopped broker back, on the port and with the data that it had. */
  startBroker(brokerId: number): Promise<void> {
    return this.assembly.startBroker(brokerId)
  }

  async restartBroker(brokerId: number): Promise<void> {
    await this.stopBroker(brokerId)
    await this.startBroker(brokerId)
  }

  /** Stops in order: no new requests, everything written and synced. Calling it again waits with. */
  stop(): Promise<void> {
    this.stopping ??= this.assembly.close()
    return this.stopping
  }
}
