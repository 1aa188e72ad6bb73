import { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { loadReserveBlocks } from '../base/reserve-blocks.ts'
import { loadSendfile } from '../base/sendfile.ts'
import { fenceBroker } from '../metadata/controller/brokers.ts'
import { CannotUseDirectory } from '../storage/directory-identity.ts'
import { TailMemory } from '../storage/hot-tail.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { MemoryDisk } from '../storage/memory-disk.ts'
import { readMetaProperties } from '../storage/meta-properties.ts'
import { NodeDisk } from '../storage/node-disk.ts'
import type { BrokerOptions } from './broker-options.ts'
import { BrokerPart } from './broker-part.ts'
import { type NodePlan, type ProcessPlan, planProcess } from './config/options.ts'
import { ControllerPart } from './controller-part.ts'
import type { AddressInfo } from './listening.ts'
import { openLogDirs } from './node-dirs.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'
import type { ClientMetrics } from './telemetry/client-telemetry.ts'

export type AssemblyOptions = BrokerOptions & {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
}

/** What the process keeps of the newest records in memory, for readers at the tail. */
const tailBytesMax = 32 * 1024 * 1024

/** A node of the process: what it was planned to be, and what runs of it. */
interface Node {
  readonly plan: NodePlan
  /** Bound ports by listener name: a broker that comes again comes where it was. */
  readonly ports: Map<string, number>
  logDirs: readonly LogDir[]
  broker: BrokerPart | null
  addresses: readonly AddressInfo[]
}

/**
 * One controller and its brokers, put together in order and taken apart in reverse. The controller
 * is a node of its own, or lives in the only broker there is, with which it then comes and goes.
 */
export class Assembly {
  private readonly rooms: SharedRooms
  private readonly isInMemory: boolean
  private readonly onHalt: BrokerOptions['onHalt']
  private readonly controllerNode: Node
  private readonly brokers: ReadonlyMap<number, Node>
  private controller: ControllerPart | null = null
  /** Nodes start and stop one after the other. */
  private turn: Promise<unknown> = Promise.resolve()
  clusterId = ''

  private constructor(plan: ProcessPlan, rooms: SharedRooms, o: BrokerOptions) {
    this.rooms = rooms
    this.isInMemory = o.memory === true
    this.onHalt = o.onHalt
    const nodeOf = (one: NodePlan): Node => ({
      plan: one,
      ports: new Map(),
      logDirs: [],
      broker: null,
      addresses: [],
    })
    this.brokers = new Map(plan.brokers.map((one) => [one.nodeId, nodeOf(one)]))
    const { controller } = plan
    this.controllerNode = this.brokers.get(controller.nodeId) ?? nodeOf(controller)
  }

  static build(options: AssemblyOptions): Promise<Assembly> {
    const plan = planProcess(options, options.logger)
    const rooms = roomsOf(options, plan)
    return allOrNothing(async (undo) => {
      await checkParents(plan, rooms)
      const assembly = new Assembly(plan, rooms, options)
      undo.push(() => assembly.close())
      if (!assembly.isSole) await assembly.openController()
      for (const id of assembly.brokerIds) await assembly.startBroker(id)
      return assembly
    })
  }

  get brokerIds(): readonly number[] {
    return [...this.brokers.keys()]
  }

  get dataDirs(): readonly string[] {
    if (this.isInMemory) return []
    const { brokers, controllerNode } = this
    const nodes = this.isSole ? [...brokers.values()] : [controllerNode, ...brokers.values()]
    return nodes.flatMap(({ logDirs }) => logDirs.map(({ path }) => path))
  }

  isRunning(id: number): boolean {
    return this.node(id).broker !== null
  }

  /** Where a broker listens, or did before it was stopped. */
  addressesOf(id: number): readonly AddressInfo[] {
    return this.node(id).addresses
  }

  clientMetrics(): ClientMetrics[] {
    return [...this.brokers.values()].flatMap(({ broker }) => broker?.clientMetrics() ?? [])
  }

  startBroker(id: number): Promise<void> {
    const node = this.node(id)
    return this.inTurn(() => (node.broker === null ? this.open(node) : Promise.resolve()))
  }

  stopBroker(id: number): Promise<void> {
    const node = this.node(id)
    return this.inTurn(() => this.shut(node, true))
  }

  close(): Promise<void> {
    return this.inTurn(async () => {
      for (const node of this.brokers.values()) await this.shut(node, !this.isInMemory)
      await this.closeController()
    })
  }

  private get isSole(): boolean {
    return this.brokers.get(this.controllerNode.plan.nodeId) === this.controllerNode
  }

  private node(id: number): Node {
    const node = this.brokers.get(id)
    if (node === undefined) {
      throw new RangeError(`no broker ${id} here; there are ${this.brokerIds.join(', ')}`)
    }
    return node
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work)
    this.turn = mine.catch(() => {})
    return mine
  }

  private openController(): Promise<void> {
    const { controllerNode: node, rooms } = this
    const { statics } = node.plan
    return allOrNothing(async (undo) => {
      if (!this.isSole) {
        node.logDirs = await openLogDirs(statics, null, rooms)
        undo.push(() => release(node))
      }
      const controller = await ControllerPart.open(statics, node.logDirs, rooms)
      this.clusterId = controller.clusterId
      this.controller = controller
      const absent = [...controller.metadata.image.brokers.values()].filter(
        ({ id, fenced }) => !fenced && !this.brokers.has(id),
      )
      for (const { id } of absent) await controller.metadata.submit(fenceBroker(id))
    })
  }

  private open(node: Node): Promise<void> {
    const { statics, nodeId: brokerId, listeners } = node.plan
    const { rooms } = this
    return allOrNothing(async (undo) => {
      const known = this.controller?.clusterId ?? null
      node.logDirs = await openLogDirs(statics, known, rooms)
      undo.push(() => release(node))
      if (this.controller === null) {
        await this.openController()
        undo.push(() => this.closeLog())
      }
      const { metadata, nodeId: controllerId, clusterId } = this.controller!
      const sharesProcessWith = (id: number) => this.brokers.has(id)
      node.broker = await BrokerPart.open(
        {
          statics,
          identity: { brokerId, controllerId, clusterId, sharesProcessWith },
          listeners: listeners.map((one) => ({
            ...one,
            port: node.ports.get(one.name) ?? one.port,
          })),
          logDirs: node.logDirs,
          metadata,
          halt: (why) => this.halt(node, why),
        },
        rooms,
      )
      node.addresses = node.broker.addresses
      for (const { name, port } of node.broker.boundPorts) node.ports.set(name, port)
    })
  }

  /** A broker cannot go on. Its process ends, if whoever started it says so; else the broker stops. */
  private halt({ plan }: Node, why: string): void {
    const broker = plan.nodeId
    this.rooms.logger.error('the broker halts', { broker, why })
    if (this.onHalt !== undefined) this.onHalt(why, broker)
    else this.stopBroker(broker).catch(() => {})
  }

  private async shut(node: Node, isFenced: boolean): Promise<void> {
    const { broker } = node
    if (broker === null) return
    node.broker = null
    await broker.close(isFenced)
    const { epoch } = broker
    if (this.isSole) await this.closeLog()
    for (const dir of node.logDirs) await dir.close(epoch)
  }

  private async closeController(): Promise<void> {
    if (this.controller === null) return
    await this.closeLog()
    for (const dir of this.controllerNode.logDirs) await dir.close(-1)
  }

  private async closeLog(): Promise<void> {
    const { controller } = this
    this.controller = null
    await controller?.close()
  }
}

async function release(node: Node): Promise<void> {
  for (const dir of node.logDirs) await dir.release()
  node.logDirs = []
}

/** A directory belongs to one node, or holds the directories of several: not both. */
async function checkParents({ parentDirs, brokers }: ProcessPlan, { disk }: SharedRooms) {
  for (const dir of parentDirs) {
    if ((await readMetaProperties(disk, dir)) === null) continue
    throw new CannotUseDirectory(
      `${dir} holds the data of a single node; ${brokers.length} brokers need a directory of their own`,
    )
  }
  if (parentDirs.length > 0) return
  const { statics } = brokers[0]!
  for (const dir of statics.list(statics.isSet('log.dirs') ? 'log.dirs' : 'log.dir')) {
    // A directory that cannot be read is dealt with when it is opened.
    if ((await readMetaProperties(disk, `${dir}/broker1`).catch(() => null)) === null) continue
    throw new CannotUseDirectory(
      `${dir} holds the data of several brokers; start it with as many, or name one of the ` +
        'directories in it',
    )
  }
}

function roomsOf(
  { clock, random, logger, memory }: AssemblyOptions,
  { controller: { statics } }: ProcessPlan,
): SharedRooms {
  const pool = new BufferPool()
  const disk =
    memory === true
      ? new MemoryDisk(clock.nowMs)
      : new NodeDisk({
          monotonicMs: clock.monotonicMs,
          pool,
          sendfile: statics.bool('odradek.sendfile.enabled') ? loadSendfile : async () => null,
          reserveBlocks: statics.bool('odradek.room.ahead.enabled')
            ? loadReserveBlocks
            : async () => null,
        })
  const tailMemory = new TailMemory(tailBytesMax)
  return { clock, random, logger, disk, pool, tailMemory, peers: new Map() }
}
