import type { BrokerState, Image } from '../metadata/image.ts'

/** The listener a client connected to; it decides which broker addresses the client is sent. */
export interface Vantage {
  readonly listenerName: string
  /**
   * The host through which the client reached this process, used if none is advertised; `reaches`
   * is true for the brokers of this process.
   */
  readonly dialled: {
    readonly host: string
    readonly reaches: (brokerId: number) => boolean
  } | null
}

/** A broker's address on one listener. */
export interface Node {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** Returns the broker's address on the client's listener, or null if it has none there. */
export function nodeOf(broker: BrokerState, { listenerName, dialled }: Vantage): Node | null {
  const endpoint = broker.endpoints.find(({ name }) => name === listenerName)
  if (endpoint === undefined) return null
  const host = dialled?.reaches(broker.id) === true ? dialled.host : endpoint.host
  return { id: broker.id, host, port: endpoint.port, rack: broker.rack }
}

/** Returns all unfenced brokers, with their addresses on the client's listener. */
export function aliveNodes(image: Image, vantage: Vantage): Node[] {
  const nodes: Node[] = []
  for (const broker of image.brokers.values()) {
    const node = broker.fenced ? null : nodeOf(broker, vantage)
    if (node !== null) nodes.push(node)
  }
  return nodes
}

/** Returns the id of a random unfenced broker, or -1; Kafka sends it as the controller id. */
export function anyAliveId(image: Image, vantage: Vantage, pick: (n: number) => number): number {
  const nodes = aliveNodes(image, vantage)
  return nodes.length === 0 ? -1 : nodes[pick(nodes.length)]!.id
}
