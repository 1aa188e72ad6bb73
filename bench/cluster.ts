import { freePort } from '../test/compat/free-port.ts'
import { KafkaQuorum } from '../test/compat/kafka/quorum.ts'
import { joining, OdradekNode } from '../test/compat/mixed/odradek-node.ts'
import { brokerJvm, type Settings } from '../test/compat/targets.ts'

/** A controller and two brokers, each a process of its own. */
export interface Cluster {
  /** Of the brokers, on 127.0.0.1. */
  readonly ports: readonly number[]
  close(): Promise<void>
}

const controllerId = 3000
const brokerIds = [1, 2]

/** Topics are placed on all brokers, and no replica is missing. */
const settings: Settings = { 'offsets.topic.replication.factor': 1 }

/** The clusters that are compared, by their names in a report. */
export const clusters: Readonly<Record<string, () => Promise<Cluster>>> = {
  'odradek, own controller': startOdradek,
  "odradek, Apache Kafka's controller": async () => startBrokers(await startQuorum()),
  'Apache Kafka': startKafka,
}

async function startOdradek(): Promise<Cluster> {
  const port = await freePort()
  const at = `127.0.0.1:${port}`
  const controller = new OdradekNode({
    ...{ 'process.roles': 'controller', 'node.id': controllerId, listeners: `CONTROLLER://${at}` },
    ...{ 'controller.listener.names': 'CONTROLLER', 'controller.quorum.bootstrap.servers': at },
    ...settings,
  })
  await controller.start()
  const bootstrap = [{ nodeId: -1, host: '127.0.0.1', port }]
  return startBrokers({ bootstrap, close: () => controller.close() })
}

const startQuorum = () =>
  KafkaQuorum.start({ controllers: 1, voters: 'in the log', settings, jvm: brokerJvm })

async function startKafka(): Promise<Cluster> {
  const quorum = await startQuorum()
  const addresses = await Promise.all(brokerIds.map((id) => quorum.startBroker(id)))
  return { ports: addresses.map(({ port }) => port), close: () => quorum.close() }
}

/** Starts brokers of odradek that join the controllers. */
async function startBrokers(quorum: Pick<KafkaQuorum, 'bootstrap' | 'close'>): Promise<Cluster> {
  const ports: number[] = []
  const nodes: OdradekNode[] = []
  for (const id of brokerIds) {
    const port = await freePort()
    ports.push(port)
    nodes.push(new OdradekNode(joining(quorum, id, port, settings)))
  }
  for (const node of nodes) await node.start()
  const close = async () => {
    for (const node of nodes) await node.close()
    await quorum.close()
  }
  return { ports, close }
}
