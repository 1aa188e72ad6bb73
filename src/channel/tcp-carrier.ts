import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { SaslLogin } from '../security/sasl/client.ts'
import type { Carrier, Channel, ChannelOptions, NodeAddress } from './channel.ts'
import type { Dialer } from './dialer.ts'
import { TcpChannel } from './tcp-channel.ts'

export interface TcpCarrierOptions {
  readonly dialer: Dialer
  readonly clock: Clock
  readonly random: Random
  /** How this node logs in; null where none asks for it. */
  readonly login: SaslLogin | null
}

/** Reaches nodes by TCP. */
export class TcpCarrier implements Carrier {
  private readonly options: TcpCarrierOptions

  constructor(options: TcpCarrierOptions) {
    this.options = options
  }

  open(address: NodeAddress, options: ChannelOptions): Channel {
    return new TcpChannel({ ...this.options, ...options, address })
  }
}
