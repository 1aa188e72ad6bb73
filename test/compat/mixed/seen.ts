import { metadata } from '../../../src/protocol/messages/03-metadata.ts'
import { describeCluster } from '../../../src/protocol/messages/60-describe-cluster.ts'
import { describeTopicPartitions } from '../../../src/protocol/messages/75-describe-topic-partitions.ts'
import { until } from '../kafkajs/client.ts'
import { Line } from '../wire/peer.ts'

/** A broker's answers about its cluster, each asked on a connection of its own. */
export class Seen {
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  /** Returns whether each registered broker is fenced, by its id. */
  async fenced(): Promise<Readonly<Record<number, boolean>>> {
    const { brokers } = await this.#ask(describeCluster, 2, { includeFencedBrokers: true })
    return Object.fromEntries(brokers.map((one: any) => [one.brokerId, one.isFenced]))
  }

  /** Returns the ids of the brokers that clients are sent to. */
  async live(): Promise<number[]> {
    const { brokers } = await this.#ask(metadata, 12, { topics: [] })
    return brokers.map(({ nodeId }: any) => nodeId).toSorted()
  }

  /** Returns the first partition of a topic, with the replicas that may lead it. */
  async partition(name: string) {
    const { topics } = await this.#ask(describeTopicPartitions, 0, { topics: [{ name }] })
    const [first] = topics[0].partitions
    if (first === undefined) return null
    return {
      leader: first.leaderId as number,
      isr: first.isrNodes as number[],
      elr: first.eligibleLeaderReplicas as number[],
    }
  }

  /** Waits until a broker is unfenced. */
  async unfenced(id: number): Promise<void> {
    const isUnfenced = async () => (await this.fenced())[id] === false
    // Right after its start a broker may not be reached yet.
    await until(`broker ${id} is unfenced`, () => isUnfenced().catch(() => false), 60_000)
  }

  async #ask(api: Parameters<Line['ask']>[0], version: number, body: object): Promise<any> {
    const line = new Line(this.#port)
    const answer = await line.ask(api, version, body)
    line.close()
    if (typeof answer === 'string') throw new Error(`${api.name}: ${answer}`)
    return answer
  }
}
