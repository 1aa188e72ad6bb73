import type { Carrier, Channel, ChannelOptions, NodeAddress } from '../../channel/channel.ts'

/** Maximum number of open channels; that used longest ago is closed. */
const channelsMax = 8

/** The channels of an observer to the nodes of the quorum, one an address. */
export class ChannelSet {
  private readonly carrier: Carrier
  private readonly options: ChannelOptions
  /** In the order of their last use. */
  private readonly open = new Map<string, Channel>()

  constructor(carrier: Carrier, options: ChannelOptions) {
    this.carrier = carrier
    this.options = options
  }

  to(address: NodeAddress): Channel {
    const key = `${address.host}:${address.port}`
    const channel = this.open.get(key) ?? this.carrier.open(address, this.options)
    this.open.delete(key)
    this.open.set(key, channel)
    for (const [first, oldest] of this.open) {
      if (this.open.size <= channelsMax) break
      this.open.delete(first)
      oldest.close()
    }
    return channel
  }

  close(): void {
    for (const channel of this.open.values()) channel.close()
    this.open.clear()
  }
}
