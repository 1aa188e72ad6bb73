import { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { TailMemory } from '../storage/hot-tail.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { MemoryDisk } from '../storage/memory-disk.ts'
import { NodeDisk, openFilesMaxDefault } from '../storage/node-disk.ts'
import type { BrokerOptions } from './broker-options.ts'
import { BrokerPart } from './broker-part.ts'
import { brokerConfig } from './config/options.ts'
import { ControllerPart } from './controller-part.ts'
import type { AddressInfo } from './listening.ts'
import { openLogDirs } from './node-dirs.ts'
import type { Identity } from './services.ts'
import { allOrNothing, type SharedRooms } from './shared-rooms.ts'

export type AssemblyOptions = BrokerOptions & {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
}

/** What the process keeps of the newest records in memory, for readers at the tail. */
const tailBytesMax = 32 * 1024 * 1024

/** A node that is controller and broker at once, put together in order and taken apart in reverse. */
export class Assembly {
  readonly dataDirs: readonly string[]
  private readonly logDirs: readonly LogDir[]
  private readonly controller: ControllerPart
  private readonly broker: BrokerPart

  private constructor(
    logDirs: readonly LogDir[],
    controller: ControllerPart,
    broker: BrokerPart,
    isInMemory: boolean,
  ) {
    this.logDirs = logDirs
    this.controller = controller
    this.broker = broker
    this.dataDirs = isInMemory ? [] : logDirs.map(({ path }) => path)
  }

  static build(options: AssemblyOptions): Promise<Assembly> {
    const statics = brokerConfig(options, options.logger)
    const rooms = roomsOf(options)
    return allOrNothing(async (undo) => {
      const logDirs = await openLogDirs(statics, null, rooms)
      undo.push(() => Promise.all(logDirs.map((dir) => dir.release())))
      const controller = await ControllerPart.open(statics, logDirs, rooms)
      const { metadata, nodeId: controllerId, clusterId } = controller
      const brokerId = statics.int('node.id')
      const sharesProcessWith = (id: number) => id === brokerId
      const identity = { brokerId, controllerId, clusterId, sharesProcessWith }
      const broker = await BrokerPart.open({ statics, identity, logDirs, metadata }, rooms)
      return new Assembly(logDirs, controller, broker, options.memory === true)
    })
  }

  get identity(): Identity {
    return this.broker.identity
  }

  get addresses(): readonly AddressInfo[] {
    return this.broker.addresses
  }

  async close(): Promise<void> {
    await this.broker.close(this.dataDirs.length > 0)
    await this.controller.close()
    const { epoch } = this.broker
    for (const logDir of this.logDirs) await logDir.close(epoch)
  }
}

function roomsOf({ clock, random, logger, memory }: AssemblyOptions): SharedRooms {
  const pool = new BufferPool()
  const disk =
    memory === true
      ? new MemoryDisk(clock.nowMs)
      : new NodeDisk(openFilesMaxDefault, clock.monotonicMs, pool)
  return { clock, random, logger, disk, pool, tailMemory: new TailMemory(tailBytesMax) }
}
