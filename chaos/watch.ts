import type { ChaosClient, Seen, SeenPartition } from './client.ts'
import type { World } from './world.ts'

const keyOf = ({ topicId, index, epoch }: SeenPartition) => `${topicId}-${index} epoch ${epoch}`

/** Watches the brokers as clients see them: who leads, and who serves. */
export class Watch {
  private readonly world: World
  private readonly client: ChaosClient
  /** The leader of each partition in each leader epoch. */
  private readonly leaders = new Map<string, number>()
  /** Number of looks at a broker that has answered. */
  looks = 0

  constructor(world: World, client: ChaosClient) {
    this.world = world
    this.client = client
  }

  /**
   * Asks a broker who leads, what it serves itself, and once more who leads. As in Kafka a broker
   * serves until it knows better, however long it is fenced; but what it serves must agree with
   * what it knew all the time.
   */
  async look(broker: number): Promise<Seen | null> {
    const before = await this.see(broker)
    if (before === null) return null
    const served = await this.client.served(broker, before.partitions)
    const others = before.partitions.filter(({ leader }) => leader !== broker)
    const usurped = served && (await this.client.served(broker, others, () => -1))
    const after = usurped && (await this.see(broker))
    if (after === null) return null
    this.looks++
    for (const one of served!) this.claim(one, broker, 'serves')
    const known = new Map(after.partitions.map((one) => [keyOf(one), one.leader]))
    for (const one of usurped!) {
      if (known.get(keyOf(one)) !== one.leader) continue
      const what = `${one.topic}-${one.index} in epoch ${one.epoch}`
      this.world.violated(`broker ${broker} serves ${what}, and knows that ${one.leader} leads`)
    }
    return after
  }

  private async see(broker: number): Promise<Seen | null> {
    const seen = await this.client.see(broker)
    for (const one of seen?.partitions ?? []) {
      if (one.leader >= 0) this.claim(one, one.leader, `is named by broker ${broker}`)
    }
    return seen
  }

  private claim(partition: SeenPartition, leader: number, how: string): void {
    const key = keyOf(partition)
    const known = this.leaders.get(key) ?? leader
    this.leaders.set(key, known)
    if (known === leader) return
    this.world.violated(
      `two leaders of ${partition.topic}-${partition.index} in epoch ${partition.epoch}: ` +
        `${known}, and ${leader}, which ${how}`,
    )
  }
}
