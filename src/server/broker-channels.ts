import type { Carrier, Channel, NodeAddress } from '../channel/channel.ts'
import type { Image } from '../metadata/image.ts'

/** Channels to other brokers, by the listener that brokers use among themselves. */
export class BrokerChannels {
  private readonly carrier: Carrier
  private readonly image: () => Image
  private readonly listenerName: string
  private readonly clientId: string
  private readonly open = new Map<
    number,
    { readonly address: NodeAddress; readonly channel: Channel }
  >()

  constructor(options: {
    readonly carrier: Carrier
    readonly image: () => Image
    /** The listener whose addresses are used (`inter.broker.listener.name`). */
    readonly listenerName: string
    readonly clientId: string
  }) {
    this.carrier = options.carrier
    this.image = options.image
    this.listenerName = options.listenerName
    this.clientId = options.clientId
  }

  /** Returns null for a broker that is not registered, or has no address there. */
  to(brokerId: number): Channel | null {
    const broker = this.image().brokers.get(brokerId)
    const endpoint = broker?.endpoints.find(({ name }) => name === this.listenerName)
    const known = this.open.get(brokerId)
    if (endpoint === undefined) {
      known?.channel.close()
      this.open.delete(brokerId)
      return null
    }
    const { host, port } = endpoint
    if (known !== undefined && known.address.host === host && known.address.port === port) {
      return known.channel
    }
    known?.channel.close()
    const address = { nodeId: brokerId, host, port }
    const { clientId } = this
    // As Kafka's, these channels begin with ApiVersions; only replica fetchers do not.
    const channel = this.carrier.open(address, { clientId, asksVersions: true })
    this.open.set(brokerId, { address, channel })
    return channel
  }

  close(): void {
    for (const { channel } of this.open.values()) channel.close()
    this.open.clear()
  }
}
