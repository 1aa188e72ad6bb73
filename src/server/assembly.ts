import { hostname } from 'node:os'
import { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { resourceTypes } from '../metadata/config/keys.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import {
  bootstrap,
  fenceBroker,
  registerBroker,
  registerController,
  unfenceBroker,
} from '../metadata/controller/brokers.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { initialFeatureLevels } from '../metadata/controller/features.ts'
import { overridesOf } from '../metadata/image.ts'
import { Metadata } from '../metadata/metadata.ts'
import {
  MetadataPartition,
  metadataTopic,
  metadataTopicId,
} from '../replication/metadata-partition.ts'
import { Partitions } from '../replication/partitions.ts'
import { allowAll, anonymous } from '../security/authorizer.ts'
import { Compaction } from '../storage/compaction.ts'
import type { Disk } from '../storage/disk.ts'
import { TailMemory } from '../storage/hot-tail.ts'
import { Housekeeping } from '../storage/housekeeping.ts'
import { logConfigDefaults } from '../storage/log-config.ts'
import { LogDir } from '../storage/log-dir.ts'
import { MemoryDisk } from '../storage/memory-disk.ts'
import { NodeDisk, openFilesMaxDefault } from '../storage/node-disk.ts'
import type { BrokerOptions } from './broker-options.ts'
import { type ListenerPlan, planListeners, securityProtocolCodes } from './config/listeners.ts'
import { brokerConfig } from './config/options.ts'
import { Dispatcher } from './dispatch.ts'
import { FetchSessions } from './fetch/session-cache.ts'
import { groupsOf } from './groups.ts'
import { handlers } from './handlers/index.ts'
import { Listener } from './listener.ts'
import { ProducerIds } from './producer-ids.ts'
import type { Identity, Services } from './services.ts'

/** An open listener and the address that clients are told. */
export interface AddressInfo {
  readonly name: string
  readonly host: string
  readonly port: number
}

export type AssemblyOptions = BrokerOptions & {
  readonly logger: Logger
  readonly clock: Clock
  readonly random: Random
}

/** What one broker keeps of the newest records in memory, for readers at the tail. */
const tailBytesMax = 32 * 1024 * 1024

/** Limits of a connection that Kafka has no setting for. */
const requestsInFlightMax = 100
const responseBytesMax = 16 * 1024 * 1024

/** The rooms of one broker, put together in order and taken apart in reverse. */
export class Assembly {
  readonly identity: Identity
  readonly addresses: readonly AddressInfo[]
  readonly dataDirs: readonly string[]
  private readonly services: Services
  private readonly listeners: readonly Listener[]
  private readonly logDirs: readonly LogDir[]
  private readonly upkeep: readonly { stop(): Promise<void> }[]
  private readonly metadataPartition: MetadataPartition

  constructor(o: {
    readonly services: Services
    readonly listeners: readonly Listener[]
    readonly addresses: readonly AddressInfo[]
    readonly logDirs: readonly LogDir[]
    readonly upkeep: readonly { stop(): Promise<void> }[]
    readonly metadataPartition: MetadataPartition
    readonly isInMemory: boolean
  }) {
    this.services = o.services
    this.identity = o.services.identity
    this.listeners = o.listeners
    this.addresses = o.addresses
    this.logDirs = o.logDirs
    this.upkeep = o.upkeep
    this.metadataPartition = o.metadataPartition
    this.dataDirs = o.isInMemory ? [] : o.logDirs.map(({ path }) => path)
  }

  static async build(options: AssemblyOptions): Promise<Assembly> {
    const undo: (() => Promise<unknown>)[] = []
    try {
      return await new Builder(options, undo).build()
    } catch (error) {
      for (const step of undo.reverse()) await step().catch(() => {})
      throw error
    }
  }

  async close(): Promise<void> {
    for (const listener of this.listeners) await listener.close()
    const { metadata, identity, groups, logger } = this.services
    groups.close()
    for (const work of this.upkeep) await work.stop()
    if (this.dataDirs.length > 0) {
      await metadata.submit(fenceBroker(identity.brokerId)).catch((error: Error) =>
        logger.warn('the end of this broker could not be written to the metadata log', {
          error: error.message,
        }),
      )
    }
    await this.metadataPartition.close()
    const brokerEpoch = metadata.image.brokers.get(identity.brokerId)?.epoch ?? -1
    for (const logDir of this.logDirs) await logDir.close(brokerEpoch)
  }
}

class Builder {
  private readonly o: AssemblyOptions
  private readonly undo: (() => Promise<unknown>)[]
  private readonly disk: Disk
  private readonly statics: BrokerSettings
  private readonly brokerId: number
  private readonly tailMemory = new TailMemory(tailBytesMax)
  private readonly pool = new BufferPool()

  constructor(o: AssemblyOptions, undo: (() => Promise<unknown>)[]) {
    this.o = o
    this.undo = undo
    this.statics = brokerConfig(o, o.logger)
    this.brokerId = this.statics.int('node.id')
    const { nowMs, monotonicMs } = o.clock
    this.disk =
      o.memory === true
        ? new MemoryDisk(nowMs)
        : new NodeDisk(openFilesMaxDefault, monotonicMs, this.pool)
  }

  async build(): Promise<Assembly> {
    const plans = planListeners(this.statics)
    const logDirs = await this.openLogDirs()
    const { metadataPartition, metadata, settings } = await this.openMetadata(logDirs)
    const partitions = this.partitions(logDirs, settings)
    const services = this.services(metadata, partitions, settings, logDirs)
    const { listeners, addresses } = await this.listen(plans.broker, services)
    await this.register(metadata, logDirs, addresses, plans.broker)
    await partitions.open(metadata.image)
    metadata.listen((image, changes) => partitions.apply(image, changes))
    for (const listener of listeners) listener.serve()
    return new Assembly({
      services,
      listeners,
      addresses,
      logDirs,
      upkeep: [this.housekeeping(logDirs), this.compaction(logDirs)],
      metadataPartition,
      isInMemory: this.o.memory === true,
    })
  }

  private async openLogDirs(): Promise<LogDir[]> {
    const { clock, random, logger } = this.o
    const { disk, tailMemory, brokerId: nodeId } = this
    const paths = this.statics.list(this.statics.isSet('log.dirs') ? 'log.dirs' : 'log.dir')
    const opened: LogDir[] = []
    for (const path of paths) {
      const options = { disk, path, nodeId, clock, random, logger, tailMemory }
      const known = opened[0]?.clusterId ?? null
      const logDir = await LogDir.open(options, known, () => randomUuid(random))
      this.undo.push(() => logDir.release())
      opened.push(logDir)
    }
    return opened
  }

  private compaction(dirs: readonly LogDir[]): Compaction {
    const { clock, logger, random } = this.o
    const settings = {
      isEnabled: this.statics.bool('log.cleaner.enable'),
      backoffMs: this.statics.int('log.cleaner.backoff.ms'),
      keyBytesMax: this.statics.int('log.cleaner.dedupe.buffer.size'),
    }
    return new Compaction({ clock, logger, random, dirs, settings })
  }

  private housekeeping(dirs: readonly LogDir[]): Housekeeping {
    const { clock, logger } = this.o
    const ms = (name: string) => this.statics.int(name)
    const intervals = {
      retentionCheckMs: ms('log.retention.check.interval.ms'),
      flushCheckMs: ms('log.flush.scheduler.interval.ms'),
      checkpointMs: Math.min(
        ms('log.flush.offset.checkpoint.interval.ms'),
        ms('log.flush.start.offset.checkpoint.interval.ms'),
        ms('replica.high.watermark.checkpoint.interval.ms'),
      ),
      producerCheckMs: ms('producer.id.expiration.check.interval.ms'),
      producerExpirationMs: ms('producer.id.expiration.ms'),
    }
    return new Housekeeping({ clock, logger, dirs, intervals })
  }

  private async openMetadata(logDirs: readonly LogDir[]) {
    const { clock, random, logger } = this.o
    const where = this.statics.string('metadata.log.dir')
    const logDir = logDirs.find(({ path }) => path === where) ?? logDirs[0]!
    const log = await logDir.openLog(`${metadataTopic}-0`, {
      topicId: metadataTopicId,
      config: () => metadataLogConfig,
      isRetained: false,
    })
    const { partition, image } = await MetadataPartition.open({
      log,
      disk: this.disk,
      nodeId: this.brokerId,
      clock,
      logger,
    })
    const brokerName = String(this.brokerId)
    const settings = this.statics.withDynamic({
      cluster: () => overridesOf(metadata.image, resourceTypes.broker, ''),
      broker: () => overridesOf(metadata.image, resourceTypes.broker, brokerName),
    })
    const metadata: Metadata = new Metadata({
      log: partition,
      image,
      settings,
      clock,
      random,
      logger,
    })
    if (image.features.size === 0) {
      const minInsyncReplicas = this.statics.text('min.insync.replicas') ?? '1'
      await metadata.submit(bootstrap(initialFeatureLevels, minInsyncReplicas))
    }
    return { metadataPartition: partition, metadata, settings }
  }

  private partitions(logDirs: readonly LogDir[], settings: BrokerSettings): Partitions {
    return new Partitions({ brokerId: this.brokerId, logDirs, settings })
  }

  private services(
    metadata: Metadata,
    partitions: Partitions,
    settings: BrokerSettings,
    logDirs: readonly LogDir[],
  ): Services {
    const { clock, random, logger } = this.o
    const slotsMax = () => settings.int('max.incremental.fetch.session.cache.slots')
    return {
      clock,
      random,
      logger,
      authorizer: allowAll,
      settings,
      metadata,
      partitions,
      logDirs,
      fetchSessions: new FetchSessions(slotsMax, clock, random),
      producerIds: new ProducerIds(metadata, this.brokerId),
      groups: groupsOf({ clock, random, logger, metadata, settings, partitions }),
      identity: { brokerId: this.brokerId, clusterId: logDirs[0]!.clusterId },
      served: handlers.map(({ api }) => api),
    }
  }

  private async listen(plans: readonly ListenerPlan[], services: Services) {
    const { clock, logger } = this.o
    const { settings } = services
    const byKey = new Map(handlers.map((one) => [one.api.key, one]))
    const listeners: Listener[] = []
    const addresses: AddressInfo[] = []
    for (const plan of plans) {
      if (plan.protocol !== 'PLAINTEXT') {
        logger.warn('a listener stays closed: only PLAINTEXT is built so far', {
          listener: plan.name,
          protocol: plan.protocol,
        })
        continue
      }
      const listener = await Listener.open({
        name: plan.name,
        host: plan.host,
        port: plan.port,
        limits: {
          frameBytesMax: settings.int('socket.request.max.bytes'),
          requestsInFlightMax,
          responseBytesMax,
        },
        connectionsMaxIdleMs: settings.int('connections.max.idle.ms'),
        connectionsMax: settings.int('max.connections'),
        pool: this.pool,
        clock,
        logger,
        dispatcherOf: ({ host, localAddress }) =>
          new Dispatcher(byKey, services, {
            clientHost: `/${host}`,
            listenerName: plan.name,
            dialled: isUnadvertised(plan) ? { brokerId: this.brokerId, host: localAddress } : null,
            principal: anonymous,
          }),
      })
      this.undo.push(() => listener.close())
      listeners.push(listener)
      addresses.push(addressOf(plan, listener.port))
    }
    return { listeners, addresses }
  }

  /** Enters this process as controller and broker, and takes the lead of its partitions. */
  private async register(
    metadata: Metadata,
    logDirs: readonly LogDir[],
    addresses: readonly AddressInfo[],
    plans: readonly ListenerPlan[],
  ): Promise<void> {
    const id = this.brokerId
    const { random } = this.o
    const endpoints = addresses.map(({ name, host, port }) => {
      const plan = plans.find((one) => one.name === name)!
      const { protocol } = plan
      return {
        name,
        host: isUnadvertised(plan) ? hostname() : host,
        port,
        securityProtocol: securityProtocolCodes[protocol],
      }
    })
    const incarnationId = randomUuid(random)
    await metadata.submit(registerController({ id, incarnationId, endpoints: [] }))
    await metadata.submit(
      registerBroker({
        id,
        incarnationId: randomUuid(random),
        endpoints,
        rack: this.statics.string('broker.rack'),
        logDirs: logDirs.map(({ directoryId }) => directoryId).sort(),
      }),
    )
    await metadata.submit(unfenceBroker(id))
  }
}

/** The metadata log has settings of its own (`metadata.log.*`), and is never cut by time alone. */
const metadataLogConfig = {
  ...logConfigDefaults,
  retentionMs: -1,
  maxMessageBytes: 8 * 1024 * 1024,
}

/** All addresses are bound and none is advertised: each client is told the one that it came by. */
function isUnadvertised({ host, advertised }: ListenerPlan): boolean {
  return advertised === null && ['', '0.0.0.0', '::'].includes(host)
}

/** Where this machine's programs reach the broker: what is advertised, else what is bound. */
function addressOf(plan: ListenerPlan, port: number): AddressInfo {
  const { name, host, advertised } = plan
  const told = isUnadvertised(plan) ? 'localhost' : (advertised?.host ?? host)
  const advertisedPort = advertised === null || advertised.port === 0 ? port : advertised.port
  return { name, host: told, port: advertisedPort }
}
