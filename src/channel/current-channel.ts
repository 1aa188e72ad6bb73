import type { Carrier, Channel, ChannelOptions, NodeAddress, ServedVersions } from './channel.ts'

/** The channel to a node that may move: another address closes the channel to the one before. */
export class CurrentChannel {
  private readonly carrier: Carrier
  private readonly options: ChannelOptions
  private open: { readonly address: NodeAddress; readonly channel: Channel } | null = null

  constructor(carrier: Carrier, options: ChannelOptions) {
    this.carrier = carrier
    this.options = options
  }

  to(address: NodeAddress): Channel {
    const { open } = this
    if (open !== null && isSame(open.address, address)) return open.channel
    open?.channel.close()
    const channel = this.carrier.open(address, this.options)
    this.open = { address, channel }
    return channel
  }

  /** The versions that the present node serves, once its channel has asked for them; else null. */
  get served(): ServedVersions | null {
    return this.open?.channel.served ?? null
  }

  close(): void {
    this.open?.channel.close()
    this.open = null
  }
}

const isSame = (a: NodeAddress, b: NodeAddress) =>
  a.nodeId === b.nodeId && a.host === b.host && a.port === b.port
