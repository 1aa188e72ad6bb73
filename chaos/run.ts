import { type FaultCounts, type FaultRules, noFaults } from '../src/sim/faulty-network.ts'
import { ChaosClient, type Seen } from './client.ts'
import { ChaosNode, controllerAddress, controllerId } from './node.ts'
import { Watch } from './watch.ts'
import { Wishes } from './wishes.ts'
import { World } from './world.ts'

const brokerIds = [1, 2, 3]
/** Time in ms, without faults, in which the whole cluster must work again. */
const recoveryMsMax = 60_000
/** `broker.session.timeout.ms`, the time between two checks of it, and some for the news. */
const fencedWithinMs = 9_000 + 1_125 + 2_000
/** Time in ms in which a broker is back that was cut off. */
const backWithinMs = 10_000
/** Time in ms after which no broker forwards what it was asked for. */
const forwardedWithinMs = 62_000
/** Time in ms in which nothing changes if nothing happens. */
const calmMs = 12_000
/** Longest time in ms from the request or the answer of a client to the end of a node. */
const worstMsMax = 20
/** Time in ms between two looks at all brokers. */
const lookEveryMs = 400

/** Counts of a run, and the promises of the cluster that were broken in it. */
export interface Report {
  readonly violations: readonly string[]
  readonly notes: readonly string[]
  readonly acknowledged: number
  readonly looks: number
  readonly lives: number
  readonly faults: FaultCounts
}

/**
 * Runs a controller and three brokers, each as in a process of its own, through faults of the
 * network and deaths of nodes, all chosen by the seed.
 * @param chaosMs how long, in ms of simulated time.
 */
export async function runChaos(seed: number, chaosMs: number): Promise<Report> {
  const cluster = new Cluster(seed)
  const { world } = cluster
  try {
    await cluster.begin()
    await cluster.suffer(chaosMs)
    await cluster.recover()
    await cluster.stayCalm()
    await cluster.loseOne()
  } catch (error) {
    if (!(error instanceof Hopeless)) throw error
  }
  const { acknowledged } = cluster.wishes
  const { counts: faults } = world.network
  const { looks } = cluster.watch
  const { violations, notes } = world
  return { violations, notes, acknowledged, looks, lives: cluster.lives, faults }
}

/** The cluster does not work any more, so that the rest of the run would say nothing. */
class Hopeless extends Error {
  override readonly name = 'Hopeless'
}

class Cluster {
  readonly world: World
  readonly watch: Watch
  readonly wishes: Wishes
  private readonly client: ChaosClient
  private readonly nodes: ReadonlyMap<number, ChaosNode>

  constructor(seed: number) {
    const world = new World(seed)
    this.world = world
    world.network.place(controllerId, controllerAddress.host, controllerAddress.port)
    this.nodes = new Map(
      [controllerId, ...brokerIds].map((id) => [id, new ChaosNode(id, world, seed + 10 * id)]),
    )
    this.client = new ChaosClient(world)
    this.watch = new Watch(world, this.client)
    this.wishes = new Wishes(world, this.client)
  }

  get lives(): number {
    return [...this.nodes.values()].reduce((sum, { lives }) => sum + lives, 0)
  }

  async begin(): Promise<void> {
    for (const node of this.nodes.values()) node.start()
    await this.within(recoveryMsMax, 'the cluster does not start', async () => this.agree())
  }

  /** Changes the network, the nodes and the metadata at random. */
  async suffer(forMs: number): Promise<void> {
    const { world } = this
    const { time, network } = world
    const untilMs = time.elapsedMs + forMs
    while (time.elapsedMs < untilMs) {
      if (world.chance(0.1)) network.rules = this.someRules()
      if (world.chance(0.04)) this.separate()
      if (world.chance(0.08)) network.joinAll()
      if (world.chance(0.09)) this.endSome()
      for (const node of this.nodes.values()) if (!node.isUp && world.chance(0.15)) node.start()
      if (world.chance(0.6)) this.wishes.ask(world.oneOf(brokerIds), brokerIds)
      for (const id of brokerIds) void this.watch.look(id)
      await time.run(lookEveryMs)
    }
  }

  /** Without faults the cluster must work again, with all that was acknowledged. */
  async recover(): Promise<void> {
    const { world } = this
    world.note('no more faults')
    const nothing = () => {}
    this.wishes.atNext('asked', nothing)
    for (const node of this.nodes.values()) node.inNextSlowSync(nothing)
    world.network.rules = noFaults
    world.network.joinAll()
    const startAll = () => {
      for (const node of this.nodes.values()) node.start()
    }
    await this.within(recoveryMsMax, 'the cluster does not recover', async () => {
      startAll()
      if ([...this.nodes.values()].some((one) => !one.isReady)) return 'nodes are not ready'
      if (this.wishes.pending > 0) return 'clients have no answers'
      return (await this.agree()) ?? this.missed()
    })
  }

  /** Returns what any of the brokers does not show, although it was acknowledged. */
  private async missed(): Promise<string | null> {
    const topics = [...this.wishes.topics.keys()]
    for (const id of brokerIds) {
      const seen = await this.client.see(id)
      const retentions = await this.client.retentions(id, topics)
      if (seen === null || retentions === null) return `broker ${id} does not answer`
      const missed = this.wishes.missedAt(seen, retentions)
      if (missed !== null) return `${missed}, says broker ${id}`
    }
    return null
  }

  /** While nothing happens no broker is fenced, and no leader changes. */
  async stayCalm(): Promise<void> {
    const [first] = brokerIds as [number]
    // Until then brokers forward what clients have given up.
    await this.world.time.run(forwardedWithinMs)
    const epochs = async () => {
      const seen = await this.ask(this.client.see(first))
      const pairs = seen?.partitions.map(({ topicId, index, leader, epoch }) => [
        `${topicId}-${index}`,
        `${leader} in epoch ${epoch}`,
      ])
      return new Map(pairs as [string, string][] | undefined)
    }
    const before = await epochs()
    await this.world.time.run(calmMs)
    const after = await epochs()
    for (const [partition, leader] of before) {
      const now = after.get(partition) ?? leader
      if (now === leader) continue
      this.world.violated(`${partition} was led by ${leader}, is by ${now}, and nothing happened`)
    }
  }

  /** A broker that the controller does not hear of is fenced in time, and is back in time. */
  async loseOne(): Promise<void> {
    const { world } = this
    const lost = world.oneOf(brokerIds)
    const others = brokerIds.filter((id) => id !== lost)
    world.note(`broker ${lost} is cut off`)
    world.network.separate(lost, controllerId)
    await world.time.run(fencedWithinMs)
    for (const id of others) {
      const seen = await this.ask(this.watch.look(id))
      if (seen === null || seen.brokers.includes(lost)) {
        world.violated(`broker ${id} still shows broker ${lost}, which is silent`)
      }
      if (seen?.partitions.some(({ leader }) => leader === lost)) {
        world.violated(`broker ${id} still shows broker ${lost} as a leader, which is silent`)
      }
    }
    await this.ask(this.watch.look(lost))
    world.network.joinAll()
    await this.within(backWithinMs, `broker ${lost} does not come back`, () => this.agree())
  }

  /**
   * Returns what keeps the brokers from showing the same cluster, with all brokers and a leader of
   * each partition that serves it; null if nothing does.
   */
  private async agree(): Promise<string | null> {
    const all: Seen[] = []
    for (const id of brokerIds) {
      const seen = await this.watch.look(id)
      if (seen === null) return `broker ${id} does not answer`
      all.push(seen)
      if (seen.brokers.join() !== brokerIds.join()) return `broker ${id} shows ${seen.brokers}`
      const mine = seen.partitions.filter(({ leader }) => leader === id)
      const served = await this.client.served(id, mine)
      if (served?.length !== mine.length) return `broker ${id} does not serve what it leads`
      const orphan = seen.partitions.find(({ leader }) => leader < 0)
      if (orphan !== undefined) return `${orphan.topic}-${orphan.index} has no leader`
    }
    const [first] = all
    if (all.some((one) => JSON.stringify(one) !== JSON.stringify(first))) return 'views differ'
    return null
  }

  private async within(
    limitMs: number,
    what: string,
    problem: () => Promise<string | null>,
  ): Promise<void> {
    const { world } = this
    const untilMs = world.time.elapsedMs + limitMs
    for (;;) {
      const why = await this.ask(problem())
      if (why === null) return
      if (world.time.elapsedMs >= untilMs) {
        world.violated(`${what}: ${why}`)
        throw new Hopeless()
      }
      await world.time.run(lookEveryMs)
    }
  }

  /** Awaits a client's answer while the time goes on. */
  private async ask<T>(answer: Promise<T>): Promise<T> {
    let isDone = false
    const done = answer.finally(() => {
      isDone = true
    })
    done.catch(() => {})
    while (!isDone) await this.world.time.run(1)
    return done
  }

  private someRules(): FaultRules {
    const { world } = this
    if (world.chance(0.4)) return noFaults
    const some = (share: number) => (world.chance(0.5) ? share : 0)
    return {
      ...noFaults,
      delayMsMax: some(world.random.int(400)),
      ...{ requestLost: some(0.03), responseLost: some(0.03), connectionCut: some(0.05) },
      ...{ duplicated: some(0.1), duplicateDelayMsMax: 2_000, connectionRefused: some(0.2) },
      ...{ overtaken: some(0.1), overtakingMsMax: 50 },
    }
  }

  private separate(): void {
    const ids = [...this.nodes.keys()]
    const [one, other] = [this.world.oneOf(ids), this.world.oneOf(ids)]
    if (one === other) return
    this.world.note(`${one} and ${other} are separated`)
    this.world.network.separate(one, other)
  }

  private endSome(): void {
    const { world } = this
    const node = this.nodes.get(world.oneOf([controllerId, ...this.nodes.keys()]))!
    const how = world.oneOf(['process', 'machine', 'machine', 'stop'] as const)
    const end = () => {
      if (!node.isUp) return
      world.note(`node ${node.id}: ${how}`)
      if (how === 'stop') node.stop(15_000)
      else node.kill(how)
    }
    // The worst moments are those around a change of the metadata.
    const event = world.oneOf(['asked', 'acknowledged', 'synced', 'synced'] as const)
    if (event === 'synced') node.inNextSlowSync(end)
    else this.wishes.atNext(event, () => world.clock.after(world.random.int(worstMsMax), end))
  }
}
