import { systemClock } from '../base/clock.ts'
import { stackOf } from '../base/error-text.ts'
import { guardedLogger, silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { Assembly } from './assembly.ts'
import type { BrokerOptions } from './broker-options.ts'
import { plainSettings, securedSettings } from './client-settings.ts'
import { checkOptions } from './config/check-options.ts'
import { type MadeSecurity, makeSecurity } from './config/made-security.ts'
import { type AddressInfo, addressText } from './listening.ts'
import type { ClientSettings } from './security-options.ts'
import type { ClientMetrics } from './telemetry/client-telemetry.ts'

/** Hosts by which clients on this machine reach a broker. */
const localHosts = ['localhost', '127.0.0.1', '::1']

/** One of the brokers of a process. */
export interface BrokerInfo {
  readonly brokerId: number
  /** Address of the first listener: `127.0.0.1:9092`, `[::1]:9092`. */
  readonly address: string
  /** All open listeners, each with its local and its advertised address. */
  readonly listeners: readonly AddressInfo[]
  readonly isRunning: boolean
}

/** One or several brokers, with one controller, in this process. `start` calls share nothing. */
export class Broker {
  private readonly assembly: Assembly
  private readonly security: MadeSecurity | null
  private stopping: Promise<void> | null = null

  private constructor(assembly: Assembly, security: MadeSecurity | null) {
    this.assembly = assembly
    this.security = security
  }

  /**
   * Starts a broker; resolves when it accepts connections and all topics can be used.
   * @throws BadConfig, CannotListen, DirectoryLocked, CannotUseDirectory with a line for the
   * operator.
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    checkOptions(options)
    const { security: wanted, host, random = systemRandom } = options
    const hosts = [...new Set([...localHosts, ...(host === undefined ? [] : [host])])]
    const security = wanted === undefined ? null : await makeSecurity(wanted, hosts, random)
    const assembly = await Assembly.build({
      ...options,
      properties: { ...security?.settings, ...options.properties },
      credentials: security?.credentials ?? [],
      logger: guardedLogger(options.logger ?? silentLogger, warnOfLogger),
      clock: options.clock ?? systemClock,
      random,
    })
    return new Broker(assembly, security)
  }

  /**
   * Bootstrap server for clients on this machine, whatever is advertised: `127.0.0.1:9092`,
   * `[::1]:9092`. With several brokers, that of the first.
   */
  get address(): string {
    return addressText(this.listeners[0]!)
  }

  get host(): string {
    return this.listeners[0]!.host
  }

  get port(): number {
    return this.listeners[0]!.port
  }

  /**
   * All open listeners of the first broker, or of a node that is only a controller; each with its
   * local and its advertised address.
   */
  get listeners(): readonly AddressInfo[] {
    const [first] = this.assembly.brokerIds
    return first === undefined
      ? this.assembly.controllerAddresses
      : this.assembly.addressesOf(first)
  }

  /** All brokers of the process, by id. */
  get brokers(): readonly BrokerInfo[] {
    return this.assembly.brokerIds.map((brokerId) => {
      const listeners = this.assembly.addressesOf(brokerId)
      const isRunning = this.assembly.isRunning(brokerId)
      return { brokerId, address: addressText(listeners[0]!), listeners, isRunning }
    })
  }

  /** Ready settings of clients: those of the first user, if the broker was given `security`. */
  get clientSettings(): ClientSettings {
    const { security, addresses } = this
    if (security === null) return plainSettings(addresses)
    return securedSettings(addresses, security, security.users[0]!)
  }

  /**
   * Ready settings of clients that log in as one of the users of `security`.
   * @throws RangeError for another name.
   */
  clientSettingsOf(user: string): ClientSettings {
    const { security, addresses } = this
    const known = security?.users.find(({ name }) => name === user)
    if (security === null || known === undefined) throw new RangeError(`no user ${user} here`)
    return securedSettings(addresses, security, known)
  }

  get clusterId(): string {
    return this.assembly.clusterId
  }

  /** Id of the first broker. */
  get brokerId(): number {
    return this.assembly.brokerIds[0]!
  }

  /** Data directories, the controller's own directory first; empty in memory mode. */
  get dataDirs(): readonly string[] {
    return this.assembly.dataDirs
  }

  /**
   * Returns the newest metrics that each client has pushed to a broker (KIP-714), for the last
   * thousand clients; empty unless `odradek.telemetry.enabled` is set.
   */
  clientMetrics(): ClientMetrics[] {
    return this.assembly.clientMetrics()
  }

  /**
   * Resolves when the brokers here show clients these others, which may be in other processes;
   * after a second at the latest.
   */
  sees(brokerIds: readonly number[]): Promise<void> {
    return this.assembly.sees(brokerIds)
  }

  /**
   * Stops one broker like Kafka's controlled shutdown: the other brokers know at once, its
   * connections are closed, its partitions have no leader until it restarts.
   * @throws RangeError for an unknown id.
   */
  stopBroker(brokerId: number): Promise<void> {
    return this.assembly.stopBroker(brokerId)
  }

  /** Starts a stopped broker again, with the same port and data. */
  startBroker(brokerId: number): Promise<void> {
    return this.assembly.startBroker(brokerId)
  }

  async restartBroker(brokerId: number): Promise<void> {
    await this.stopBroker(brokerId)
    await this.startBroker(brokerId)
  }

  private get addresses(): string[] {
    return this.brokers.map(({ address }) => address)
  }

  /** Stops accepting requests, writes and syncs everything. Further calls wait for the first. */
  stop(): Promise<void> {
    this.stopping ??= this.assembly.close()
    return this.stopping
  }
}

function warnOfLogger(error: unknown): void {
  const why = stackOf(error)
  process.emitWarning(`the logger given to a broker has failed; the broker goes on: ${why}`)
}
