import type { BrokerState, Image } from '../metadata/image.ts'

/** By which listener a client came, and what that says of where brokers are. */
export interface Vantage {
  readonly listenerName: string
  /**
   * The host that the client reached this process by, where none is advertised; all brokers of the
   * process are there too.
   */
  readonly dialled: {
    readonly host: string
    readonly reaches: (brokerId: number) => boolean
  } | null
}

/** Where clients of a listener reach a broker. */
export interface Node {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** The broker's address on the listener that the client came by; null when it has none there. */
export function nodeOf(broker: BrokerState, { listenerName, dialled }: Vantage): Node | null {
  const endpoint = broker.endpoints.find(({ name }) => name === listenerName)
  if (endpoint === undefined) return null
  const host = dialled?.reaches(broker.id) === true ? dialled.host : endpoint.host
  return { id: broker.id, host, port: endpoint.port, rack: broker.rack }
}

/** All brokers that serve, as clients of a listener see them. */
export function aliveNodes(image: Image, vantage: Vantage): Node[] {
  const nodes: Node[] = []
  for (const broker of image.brokers.values()) {
    const node = broker.fenced ? null : nodeOf(broker, vantage)
    if (node !== null) nodes.push(node)
  }
  return nodes
}

/** A random broker that serves, as Kafka names one in place of the controller; -1 for none. */
export function anyAliveId(image: Image, vantage: Vantage, pick: (n: number) => number): number {
  const nodes = aliveNodes(image, vantage)
  return nodes.length === 0 ? -1 : nodes[pick(nodes.length)]!.id
}
