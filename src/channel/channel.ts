import type { Api, Draft, Fields, Infer } from '../protocol/schema.ts'

/** Where a node is reached. */
export interface NodeAddress {
  /** -1 for an address from the settings, whose node is not known yet. */
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

export interface SendOptions {
  /** From the call to the response, connecting included, in ms. */
  readonly timeoutMs: number
}

export type ChannelFaultKind =
  /** No connection, or it was closed before the response. The request may have been carried out. */
  | 'disconnected'
  | 'timedOut'
  /** The node does not serve the request in this version. */
  | 'unsupported'
  /** The node is not trusted, or does not trust this one; trying again does not help soon. */
  | 'authentication'
  /** The queue of the channel is full: the request was not sent. */
  | 'overloaded'
  /** `close` was called. */
  | 'closed'

/** The reason why a request has no response. */
export class ChannelFault extends Error {
  override readonly name = 'ChannelFault'
  readonly kind: ChannelFaultKind

  constructor(kind: ChannelFaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}

/** The versions that a node serves, by API key. */
export type ServedVersions = ReadonlyMap<number, readonly [min: number, max: number]>

/**
 * Requests of this node to another one, in wire messages. Requests are sent in call order and
 * answered in that order. It connects at the first request, and again at the next one after a
 * disconnect, not sooner than a back-off allows.
 */
export interface Channel {
  /**
   * Sends a request in exactly this version.
   * @throws (rejects) ChannelFault; errors in the response's fields are the caller's.
   */
  send<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    body: Draft<Q>,
    options: SendOptions,
  ): Promise<Infer<R>>
  /** The versions that the node serves; null unless the present connection has asked for them. */
  readonly served: ServedVersions | null
  /** Closes the connection; requests without a response reject. */
  close(): void
}

export interface ChannelOptions {
  /** The client id in request headers. */
  readonly clientId: string
  /**
   * Whether a new connection begins with ApiVersions, as Kafka's to the controller do. Replica
   * fetchers send their first request at once.
   */
  readonly asksVersions: boolean
}

/** A way to reach nodes: in this process, by TCP, or through faults in tests. */
export interface Carrier {
  /** Returns a channel of its own, which is not connected yet. */
  open(address: NodeAddress, options: ChannelOptions): Channel
}
