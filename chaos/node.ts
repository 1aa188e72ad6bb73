import type { LogFields, Logger } from '../src/base/logger.ts'
import type { Random } from '../src/base/random.ts'
import { Assembly } from '../src/server/assembly.ts'
import { FaultDisk, type Loss } from '../src/sim/fault-disk.ts'
import { FaultyCarrier } from '../src/sim/faulty-carrier.ts'
import type { ProcessSockets } from '../src/sim/memory-network.ts'
import { seededRandom } from '../test/storage/logs.ts'
import type { World } from './world.ts'

export const controllerId = 3000
export const controllerAddress = { nodeId: -1, host: 'controller', port: 9093 }

/** Longest times in ms of most syncs, and of slow ones: a power loss may come before their end. */
const syncMs = { usual: 20, slow: 400 }
/** The share of slow syncs, and that of its time after which a sync is nearly done. */
const slowShare = 0.15
const nearlyDone = 0.9

/** Time in ms after which a process that has ended by itself is started again. */
const restartMs = 1_000

const common = {
  'controller.listener.names': 'CONTROLLER',
  'controller.quorum.bootstrap.servers': `${controllerAddress.host}:${controllerAddress.port}`,
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'log.dirs': '/data',
  // Snapshots are a part of each run.
  'metadata.log.max.record.bytes.between.snapshots': '20000',
}

function propertiesOf(id: number): Record<string, string> {
  if (id === controllerId) {
    return {
      ...common,
      'process.roles': 'controller',
      'node.id': String(id),
      listeners: `CONTROLLER://${controllerAddress.host}:${controllerAddress.port}`,
    }
  }
  return {
    ...common,
    'process.roles': 'broker',
    'node.id': String(id),
    'odradek.join.cordoned': 'false',
    listeners: `PLAINTEXT://broker${id}:9092`,
  }
}

/** One node in a process of its own, with its clock, its disk and its sockets. */
export class ChaosNode {
  readonly id: number
  private readonly world: World
  private readonly random: Random
  private disk: FaultDisk
  /** The process that runs; null between two. */
  private process: {
    readonly sockets: ProcessSockets
    assembly: Assembly | null
    isStopping: boolean
  } | null = null
  private onSlowSync: (() => void) | null = null
  /** The number of processes so far. */
  lives = 0

  constructor(id: number, world: World, seed: number) {
    this.id = id
    this.world = world
    this.random = seededRandom(seed)
    this.disk = new FaultDisk(seededRandom(seed + 1))
  }

  get isUp(): boolean {
    return this.process !== null
  }

  /** Whether its start has ended, and no stop has begun. */
  get isReady(): boolean {
    return this.process?.assembly != null && !this.process.isStopping
  }

  start(): void {
    const { world, random, disk, id } = this
    if (this.process !== null) return
    const { network } = world
    const sockets = world.sockets.process()
    const process: NonNullable<ChaosNode['process']> = {
      ...{ sockets, assembly: null, isStopping: false },
    }
    this.process = process
    this.lives++
    const clock = world.time.clockOf(process)
    disk.beforeSync = () => {
      const isSlow = world.chance(slowShare)
      const delayMs = isSlow ? syncMs.slow : random.int(syncMs.usual)
      if (isSlow && this.onSlowSync !== null) {
        clock.after(delayMs * nearlyDone, this.onSlowSync)
        this.onSlowSync = null
      }
      return new Promise((done) => clock.after(delayMs, () => done()))
    }
    const ended = (why: string) => {
      if (this.process !== process) return
      world.note(`node ${id} ends: ${why}`)
      this.kill('process')
      world.clock.after(restartMs, () => this.start())
    }
    Assembly.build({
      properties: propertiesOf(id),
      ...{ random, disk, clock, dialer: sockets, transport: sockets },
      logger: loggerOf(world, id),
      through: (inner) => new FaultyCarrier({ network, nodeId: id, inner }),
      onHalt: (why) => {
        // Tasks of a dead process go on to fail on its disk: they do not halt the new one.
        if (this.process === process) world.violated(`node ${id} halts: ${why}`)
        ended(why)
      },
    }).then(
      (assembly) => {
        process.assembly = assembly
        world.note(`node ${id} has started`)
      },
      (error: unknown) => ended(`it cannot start: ${error}`),
    )
  }

  /** Calls `run` shortly before the end of the next slow sync. */
  inNextSlowSync(run: () => void): void {
    this.onSlowSync = run
  }

  /** Ends the process at once, or the machine with what it has not synced. */
  kill(loss: Loss): void {
    const { process, world, disk } = this
    if (process === null) return
    this.process = null
    world.time.stop(process)
    process.sockets.kill()
    this.disk = disk.after(loss)
    // The rest of the old process must not go on with its disk.
    disk.crashAt = 0
  }

  /** Stops it in order; what does not stop within this time in ms is killed. */
  stop(forMs: number): void {
    const { process, world } = this
    if (process?.assembly == null || process.isStopping) return
    process.isStopping = true
    let isOver = false
    const over = (how: string) => {
      if (isOver || this.process !== process) return
      isOver = true
      world.note(`node ${this.id} ${how}`)
      this.kill('process')
    }
    process.assembly.close().then(
      () => over('has stopped'),
      (error: unknown) => over(`has stopped with ${error}`),
    )
    world.clock.after(forMs, () => over('does not stop in time'))
  }
}

/** Errors of a broker are notes of the run; they help to understand its failure. */
function loggerOf(world: World, id: number): Logger {
  const note = (level: string) => (message: string, fields?: LogFields) =>
    world.note(`  ${level} of ${id}: ${message} ${JSON.stringify(fields ?? {})}`)
  return { debug: () => {}, info: () => {}, warn: note('warning'), error: note('error') }
}
