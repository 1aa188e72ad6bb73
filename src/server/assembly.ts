import { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import { stackOf } from '../base/error-text.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { loadSendfile } from '../base/sendfile.ts'
import { LoopTurns } from '../base/turns.ts'
import type { Carrier } from '../channel/channel.ts'
import type { Dialer } from '../channel/dialer.ts'
import { LoopbackCarrier } from '../channel/loopback-carrier.ts'
import { NodeDialer } from '../channel/node-dialer.ts'
import type { ScramUpsertion } from '../metadata/controller/alter-scram.ts'
import type { Authorizer } from '../security/authorizer.ts'
import { CannotUseDirectory } from '../storage/directory-identity.ts'
import type { Disk } from '../storage/disk.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { MemoryDisk } from '../storage/memory-disk.ts'
import { readMetaProperties } from '../storage/meta-properties.ts'
import { NodeDisk } from '../storage/node-disk.ts'
import { TailCacheBudget } from '../storage/tail-cache.ts'
import type { BrokerOptions } from './broker-options.ts'
import { BrokerPart } from './broker-part.ts'
import type { ListenerPlan } from './config/listeners.ts'
import { logDirPaths } from './config/log-dir-paths.ts'
import { type NodePlan, type ProcessPlan, planProcess } from './config/options.ts'
import { quorumAddresses } from './config/roles.ts'
import { ControllerPart } from './controller-part.ts'
import type { Interceptor } from './interceptor.ts'
import type { AddressInfo } from './listening.ts'
import { formatController, joinedClusterId } from './new-directories.ts'
import { openLogDirs } from './node-dirs.ts'
import { NodeTransport } from './node-transport.ts'
import { allOrNothing, type BrokerRooms } from './shared-rooms.ts'
import type { ClientMetrics } from './telemetry/client-telemetry.ts'
import type { Transport } from './transport.ts'

export type AssemblyOptions = BrokerOptions & {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
  /** Replaces the real disk, in tests that inject disk failures. */
  readonly disk?: Disk
  /** Replaces the machine's sockets. */
  readonly transport?: Transport
  /** Replaces the machine's connections to other nodes. */
  readonly dialer?: Dialer
  /** Wraps each way of a broker to other nodes, in tests that inject failures of the network. */
  readonly through?: (carrier: Carrier) => Carrier
  readonly authorizer?: Authorizer
  readonly interceptor?: Interceptor
  /** SCRAM credentials to be added at the start, by mechanism. */
  readonly credentials?: readonly (readonly ScramUpsertion[])[]
}

/** Size of the tail cache of the process, in bytes, for consumers that keep up. */
const tailBytesMax = 32 * 1024 * 1024

/** A node of the process: its plan and its running parts. */
interface Node {
  readonly plan: NodePlan
  /** Bound ports by listener name, so that a restarted broker listens on the same ports. */
  readonly ports: Map<string, number>
  logDirs: readonly LogDir[]
  broker: BrokerPart | null
  addresses: readonly AddressInfo[]
}

/**
 * One controller and its brokers, started in order and stopped in reverse. The controller is a node
 * of its own, or part of the only broker, and then starts and stops with it.
 */
export class Assembly {
  private readonly rooms: BrokerRooms
  private readonly isInMemory: boolean
  private readonly onHalt: BrokerOptions['onHalt']
  /** Null if the controllers are in other processes. */
  private readonly controllerNode: Node | null
  private readonly brokers: ReadonlyMap<number, Node>
  private controller: ControllerPart | null = null
  /** Serializes starts and stops of nodes. */
  private turn: Promise<unknown> = Promise.resolve()
  clusterId = ''

  private constructor(plan: ProcessPlan, rooms: BrokerRooms, options: BrokerOptions) {
    this.rooms = rooms
    this.isInMemory = options.memory === true
    this.onHalt = options.onHalt
    const nodeOf = (one: NodePlan): Node => ({
      plan: one,
      ports: new Map(),
      logDirs: [],
      broker: null,
      addresses: [],
    })
    this.brokers = new Map(plan.brokers.map((one) => [one.nodeId, nodeOf(one)]))
    const { controller } = plan
    this.controllerNode =
      controller === null ? null : (this.brokers.get(controller.nodeId) ?? nodeOf(controller))
  }

  static build(options: AssemblyOptions): Promise<Assembly> {
    const plan = planProcess(options, options.logger)
    const rooms = roomsOf(options, plan)
    return allOrNothing(async (undo) => {
      await checkParents(plan, rooms)
      const assembly = new Assembly(plan, rooms, options)
      undo.push(() => assembly.close())
      const { controllerNode } = assembly
      if (controllerNode !== null && !assembly.isSole) await assembly.openController(controllerNode)
      for (const id of assembly.brokerIds) await assembly.startBroker(id)
      for (const users of options.credentials ?? []) {
        await assembly.controller!.addCredentials(users)
      }
      return assembly
    })
  }

  get brokerIds(): readonly number[] {
    return [...this.brokers.keys()]
  }

  get dataDirs(): readonly string[] {
    if (this.isInMemory) return []
    const { brokers, controllerNode, isSole } = this
    const first = controllerNode === null || isSole ? [] : [controllerNode]
    return [...first, ...brokers.values()].flatMap(({ logDirs }) => logDirs.map(({ path }) => path))
  }

  isRunning(id: number): boolean {
    return this.node(id).broker !== null
  }

  /** Returns the addresses of a broker's listeners, the last ones if it is stopped. */
  addressesOf(id: number): readonly AddressInfo[] {
    return this.node(id).addresses
  }

  /** Returns the addresses of the controller's own listeners, if other processes may use them. */
  get controllerAddresses(): readonly AddressInfo[] {
    return this.controller?.addresses ?? []
  }

  clientMetrics(): ClientMetrics[] {
    return [...this.brokers.values()].flatMap(({ broker }) => broker?.clientMetrics() ?? [])
  }

  /** Resolves when the brokers here see these others; after a second at the latest. */
  async sees(ids: readonly number[]): Promise<void> {
    const running = [...this.brokers.values()].flatMap(({ broker }) => broker ?? [])
    const { clock } = this.rooms
    await Promise.all(running.flatMap((one) => ids.map((id) => one.sees(id, 0, clock))))
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
    const { controllerNode } = this
    return controllerNode !== null && this.brokers.has(controllerNode.plan.nodeId)
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

  private openController(node: Node): Promise<void> {
    const { rooms } = this
    const { statics, controllerListeners } = node.plan
    return allOrNothing(async (undo) => {
      if (!this.isSole) {
        if (controllerListeners.length > 0) await formatController(statics, rooms)
        node.logDirs = await openLogDirs(statics, null, rooms)
        undo.push(() => release(node))
      }
      const plans = withPorts(controllerListeners, node)
      const controller = await ControllerPart.open(statics, plans, node.logDirs, rooms)
      notePorts(controller.boundPorts, node)
      this.clusterId = controller.clusterId
      this.controller = controller
      // Brokers of other processes cannot register with a controller without a listener.
      if (controllerListeners.length === 0) await controller.fenceOthers([...this.brokers.keys()])
    })
  }

  private open(node: Node): Promise<void> {
    const { statics, nodeId: brokerId, listeners } = node.plan
    const { rooms } = this
    return allOrNothing(async (undo) => {
      const { controllerNode } = this
      const known =
        controllerNode === null
          ? await joinedClusterId(statics, rooms)
          : (this.controller?.clusterId ?? null)
      node.logDirs = await openLogDirs(statics, known, rooms)
      undo.push(() => release(node))
      if (this.controller === null && controllerNode !== null) {
        await this.openController(controllerNode)
        undo.push(() => this.closeLog())
      }
      this.clusterId = node.logDirs.find((dir) => !dir.isOffline)!.clusterId
      const { clusterId } = this
      const sharesProcessWith = (id: number) => this.brokers.has(id)
      node.broker = await BrokerPart.open(
        {
          statics,
          identity: { brokerId, clusterId, sharesProcessWith },
          isAlone: controllerNode?.plan.controllerListeners.length === 0,
          isJoining: controllerNode === null,
          bootstrap:
            controllerNode === null
              ? quorumAddresses(statics)
              : [{ nodeId: controllerNode.plan.nodeId, host: 'localhost', port: 0 }],
          listeners: withPorts(listeners, node),
          logDirs: node.logDirs,
          halt: (why) => this.halt(node, why),
        },
        rooms,
      )
      node.addresses = node.broker.addresses
      const { epoch } = node.broker
      // Clients that ask another broker of the process find this one.
      const others = [...this.brokers.values()].filter((other) => other !== node)
      await Promise.all(others.map(({ broker }) => broker?.sees(brokerId, epoch, rooms.clock)))
      notePorts(node.broker.boundPorts, node)
    })
  }

  /**
   * Called when a broker cannot go on. Calls `onHalt`, which may end the process; without it only
   * stops the broker.
   */
  private halt({ plan }: Node, why: string): void {
    const broker = plan.nodeId
    this.rooms.logger.error('the broker halts', { broker, why })
    const stop = () => void this.stopBroker(broker).catch(() => {})
    if (this.onHalt === undefined) return stop()
    new Promise((resolve) => resolve(this.onHalt!(why, broker))).catch((error: unknown) => {
      this.rooms.logger.error('onHalt has failed; the broker is stopped', {
        broker,
        error: stackOf(error),
      })
      stop()
    })
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
    for (const dir of this.controllerNode?.logDirs ?? []) await dir.close(-1)
  }

  private async closeLog(): Promise<void> {
    const { controller } = this
    this.controller = null
    await controller?.close()
  }
}

/** Returns listeners with the ports that they had before. */
function withPorts(listeners: readonly ListenerPlan[], { ports }: Node): ListenerPlan[] {
  return listeners.map((one) => ({ ...one, port: ports.get(one.name) ?? one.port }))
}

function notePorts(bound: readonly { name: string; port: number }[], { ports }: Node): void {
  for (const { name, port } of bound) ports.set(name, port)
}

async function release(node: Node): Promise<void> {
  for (const dir of node.logDirs) await dir.release()
  node.logDirs = []
}

/** Checks that a directory either belongs to one node or contains the directories of several. */
async function checkParents(
  { parentDirs, brokers, controller }: ProcessPlan,
  { disk }: BrokerRooms,
) {
  for (const dir of parentDirs) {
    if ((await readMetaProperties(disk, dir)) === null) continue
    throw new CannotUseDirectory(
      `${dir} holds the data of a single node; ${brokers.length} brokers need a directory of their own`,
    )
  }
  if (parentDirs.length > 0) return
  const { statics } = brokers[0] ?? controller!
  for (const dir of logDirPaths(statics)) {
    // An unreadable directory is handled when it is opened.
    if ((await readMetaProperties(disk, `${dir}/broker1`).catch(() => null)) === null) continue
    throw new CannotUseDirectory(
      `${dir} holds the data of several brokers; start it with as many, or name one of the ` +
        'directories in it',
    )
  }
}

function roomsOf(
  { clock, random, logger, memory, ...given }: AssemblyOptions,
  { controller, brokers }: ProcessPlan,
): BrokerRooms {
  const pool = new BufferPool()
  const disk =
    given.disk ??
    (memory === true
      ? new MemoryDisk(clock.nowMs)
      : new NodeDisk({
          monotonicMs: clock.monotonicMs,
          pool,
          sendfile: (controller ?? brokers[0]!).statics.bool('odradek.sendfile.enabled')
            ? loadSendfile
            : async () => null,
        }))
  const tailCacheBudget = new TailCacheBudget(tailBytesMax)
  const turns = new LoopTurns(clock)
  const { transport = new NodeTransport(), authorizer = null, interceptor = null } = given
  const { dialer = new NodeDialer(), through = (one) => one } = given
  const machine = { clock, random, turns, logger, disk, transport, pool }
  const carrier = () => new LoopbackCarrier(clock)
  return {
    ...machine,
    authorizer,
    interceptor,
    tailCacheBudget,
    controllers: carrier(),
    brokers: carrier(),
    ...{ dialer, through },
  }
}
