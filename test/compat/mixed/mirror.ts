import { freePort } from '../free-port.ts'
import { KafkaQuorum } from '../kafka/quorum.ts'
import type { Settings, TargetName } from '../targets.ts'
import type { PeerTarget } from '../wire/peer.ts'
import { joining, OdradekNode } from './odradek-node.ts'
import { Seen } from './seen.ts'

/** The broker that requests go to. */
export const askedId = 1
/** The broker of the other kind; it is cordoned, so that topics are placed on the asked one. */
export const besideId = 2

/** Settings of brokers and controllers: small internal topics, and an authorizer. */
const common: Settings = {
  'group.initial.rebalance.delay.ms': 0,
  'offsets.topic.num.partitions': 4,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
}

/** A user without rights, who logs in by PLAIN on the second listener. */
export const eve = { name: 'eve', password: 'secret' }

/**
 * An Apache Kafka controller with a broker of each kind: one that is asked, and one beside it. In
 * the mirrored cluster they have exchanged their places, and all else is the same.
 */
export class MirroredCluster {
  readonly asked: PeerTarget
  readonly loginPort: number
  readonly besidePort: number
  readonly #quorum: KafkaQuorum
  readonly #node: OdradekNode

  private constructor(
    quorum: KafkaQuorum,
    node: OdradekNode,
    ports: { readonly asked: number; readonly login: number; readonly beside: number },
    dataDir: string,
  ) {
    this.#quorum = quorum
    this.#node = node
    this.asked = { port: ports.asked, dataDir }
    this.loginPort = ports.login
    this.besidePort = ports.beside
  }

  /** @param advertisedPort what clients are told of the broker beside the asked one. */
  static async start(asked: TargetName, advertisedPort: number): Promise<MirroredCluster> {
    const quorum = await KafkaQuorum.start({
      ...{ controllers: 1, voters: 'in the log', settings: common },
    })
    const isOurs = asked === 'odradek'
    const ports = { asked: await freePort(), login: await freePort(), beside: await freePort() }
    const ofAsked = askedSettings(ports.asked, ports.login)
    const ofBeside = besideSettings(ports.beside, advertisedPort)
    const node = new OdradekNode(
      isOurs
        ? joining(quorum, askedId, ports.asked, { ...common, ...ofAsked })
        : joining(quorum, besideId, ports.beside, {
            ...{ ...common, ...ofBeside, 'odradek.join.cordoned': true },
          }),
    )
    try {
      await Promise.all([
        node.start(),
        isOurs
          ? quorum.startBroker(besideId, { ...ofBeside, 'cordoned.log.dirs': '*' })
          : quorum.startBroker(askedId, ofAsked),
      ])
      for (const port of [ports.asked, ports.beside]) {
        for (const id of [askedId, besideId]) await new Seen(port).unfenced(id)
      }
    } catch (error) {
      await node.close()
      await quorum.close()
      throw error
    }
    return new MirroredCluster(
      quorum,
      node,
      ports,
      isOurs ? node.dataDir : quorum.dataDirOf(askedId),
    )
  }

  async close(): Promise<void> {
    await this.#node.close()
    await this.#quorum.close()
  }
}

function askedSettings(port: number, loginPort: number): Settings {
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  return {
    listeners: `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${loginPort}`,
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${module} required user_${eve.name}="${eve.password}";`,
  }
}

const besideSettings = (port: number, advertisedPort: number): Settings => ({
  listeners: `PLAINTEXT://127.0.0.1:${port}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertisedPort}`,
  'inter.broker.listener.name': 'PLAINTEXT',
})
