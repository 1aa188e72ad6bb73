import { systemClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { systemRandom } from '../base/random.ts'
import { Assembly } from './assembly.ts'
import type { BrokerOptions } from './broker-options.ts'
import type { AddressInfo } from './listening.ts'

/** A broker in this process. Several may live side by side; they share nothing. */
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

  /** `127.0.0.1:9092`: what to give a client as its bootstrap server. */
  get address(): string {
    return `${this.host}:${this.port}`
  }

  get host(): string {
    return this.listeners[0]!.host
  }

  get port(): number {
    return this.listeners[0]!.port
  }

  /** Every open listener, with the address that clients are told. */
  get listeners(): readonly AddressInfo[] {
    return this.assembly.addresses
  }

  get clusterId(): string {
    return this.assembly.identity.clusterId
  }

  get brokerId(): number {
    return this.assembly.identity.brokerId
  }

  /** Where the data is; null in memory. */
  get dataDirs(): readonly string[] {
    return this.assembly.dataDirs
  }

  /** Stops in order: no new requests, everything written and synced. Calling it again waits with. */
  stop(): Promise<void> {
    this.stopping ??= this.assembly.close()
    return this.stopping
  }
}
