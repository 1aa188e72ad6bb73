import type { BrokerState, Image } from '../metadata/image.ts'

/** Where clients of a listener reach a broker. */
export interface Node {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The broker's address on the listener that the client came by; null when it has none there. */
export function nodeOf(broker: BrokerState, listenerName: string): Node | null {
  const endpoint = broker.endpoints.find(({ name }) => name === listenerName)
  if (endpoint === undefined) return null
  return { id: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack }
}

/** All brokers that serve, as clients of a listener see them. */
export function aliveNodes(image: Image, listenerName: string): Node[] {
  const nodes: Node[] = []
  for (const broker of image.brokers.values()) {
    const node = broker.fenced ? null : nodeOf(broker, listenerName)
    if (node !== null) nodes.push(node)
  }
  return nodes
}

/** A random broker that serves, as Kafka names one in place of the controller; -1 for none. */
export function anyAliveId(
  image: Image,
  listenerName: string,
  pick: (n: number) => number,
): number {
  const nodes = aliveNodes(image, listenerName)
  return nodes.length === 0 ? -1 : nodes[pick(nodes.length)]!.id
}
