import { type Carrier, type Channel, ChannelFault } from '../channel/channel.ts'
import { CurrentChannel } from '../channel/current-channel.ts'
import type { Image } from '../metadata/image.ts'
import { ApiError } from '../protocol/errors.ts'

/** Channels to other brokers, by the listener that brokers use among themselves. */
export class BrokerChannels {
  private readonly carrier: Carrier
  private readonly image: () => Image
  private readonly listenerName: string
  private readonly clientId: string
  private readonly channels = new Map<number, CurrentChannel>()

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
    let channel = this.channels.get(brokerId)
    if (endpoint === undefined) {
      channel?.close()
      this.channels.delete(brokerId)
      return null
    }
    if (channel === undefined) {
      const { carrier, clientId } = this
      // As Kafka's, these channels begin with ApiVersions; only replica fetchers do not.
      channel = new CurrentChannel(carrier, { clientId, asksVersions: true })
      this.channels.set(brokerId, channel)
    }
    const { host, port } = endpoint
    return channel.to({ nodeId: brokerId, host, port })
  }

  close(): void {
    for (const channel of this.channels.values()) channel.close()
    this.channels.clear()
  }
}

/** Passes on the response of another broker; rejects with NETWORK_EXCEPTION if there is none. */
export function orNetworkException<R>(response: Promise<R>): Promise<R> {
  return response.catch((error: unknown) => {
    throw error instanceof ChannelFault ? new ApiError('NETWORK_EXCEPTION') : error
  })
}
