import { BufferPool } from '../../../src/base/buffer-pool.ts'
import type { Clock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { endlessTurn } from '../../../src/base/turns.ts'
import { LoopbackCarrier } from '../../../src/channel/loopback-carrier.ts'
import { NodeDialer } from '../../../src/channel/node-dialer.ts'
import { startBrokerFencing } from '../../../src/metadata/broker-fencing.ts'
import { BrokerSettings } from '../../../src/metadata/config/settings.ts'
import { BrokerSessions } from '../../../src/metadata/controller/broker-sessions.ts'
import {
  bootstrap,
  nodeFeatures,
  registerController,
} from '../../../src/metadata/controller/brokers.ts'
import { dynamicConfigsOf } from '../../../src/metadata/image.ts'
import { MetadataController } from '../../../src/metadata/metadata.ts'
import { codecOf } from '../../../src/protocol/codec.ts'
import { ApiError } from '../../../src/protocol/errors.ts'
import { Reader } from '../../../src/protocol/reader.ts'
import type { AnyApi, Fields } from '../../../src/protocol/schema.ts'
import { Writer } from '../../../src/protocol/writer.ts'
import {
  MetadataPartition,
  metadataTopic,
  metadataTopicId,
} from '../../../src/quorum/metadata-partition.ts'
import { allowAll } from '../../../src/security/authorizer.ts'
import type { ControllerServices } from '../../../src/server/controller/services.ts'
import { format } from '../../../src/server/format/format.ts'
import type { Handler } from '../../../src/server/handler.ts'
import { openLogDirs } from '../../../src/server/node-dirs.ts'
import { NodeTransport } from '../../../src/server/node-transport.ts'
import { logConfigDefaults } from '../../../src/storage/log-config.ts'
import { MemoryDisk } from '../../../src/storage/memory-disk.ts'
import { TailCacheBudget } from '../../../src/storage/tail-cache.ts'

const clusterId = '5bLNs3gXQVCpHYQ1Wd0b8A'
const nodeId = 3000
const controllerListener = 'CONTROLLER'

export interface HeldOptions {
  readonly clock: Clock
  readonly settings?: Readonly<Record<string, string>>
  readonly isStatic?: boolean
  /** Whether the requests come from another node of this process. */
  readonly isSameProcess?: boolean
}

/** A controller in memory whose handlers a test calls, with requests and answers as bytes. */
export async function holdController({ clock, ...options }: HeldOptions) {
  const disk = new MemoryDisk(clock.nowMs)
  const rooms = { clock, random: systemRandom, logger: silentLogger, disk }
  const statics = new BrokerSettings(
    new Map(
      Object.entries({
        ...{ 'node.id': String(nodeId), 'log.dirs': '/data', 'process.roles': 'broker,controller' },
        listeners: `PLAINTEXT://localhost:9092,${controllerListener}://localhost:9093`,
        'controller.listener.names': controllerListener,
        ...options.settings,
      }),
    ),
  )
  const voters = options.isStatic === true ? 'static' : 'standalone'
  const formatting = { settings: statics, clusterId, voters, releaseVersion: null } as const
  const nothing = { features: new Map(), scram: [], ignoreFormatted: false }
  await format({ ...formatting, ...nothing }, rooms)
  const tailCacheBudget = new TailCacheBudget(1 << 20)
  const shared = { ...rooms, tailCacheBudget, turns: endlessTurn }
  const [dir] = await openLogDirs(statics, clusterId, {
    ...shared,
    ...{ pool: new BufferPool(), authorizer: null },
    controllers: new LoopbackCarrier(clock),
    brokers: new LoopbackCarrier(clock),
    dialer: new NodeDialer(),
    transport: new NodeTransport(),
  })
  const log = await dir!.openLog(`${metadataTopic}-0`, {
    topicId: metadataTopicId,
    config: () => ({ ...logConfigDefaults, retentionMs: -1 }),
    ...{ isRetained: false, isAlwaysRecovered: true },
  })
  const { partition, image, bootstrapRecords } = await MetadataPartition.open({
    ...{ log, disk, nodeId, directoryId: dir!.directoryId, clock, logger: silentLogger },
    limits: {
      bytesBetweenMax: statics.int('metadata.log.max.record.bytes.between.snapshots'),
      ...{ intervalMs: 0, retentionBytes: -1, retentionMs: -1 },
    },
    legacyBootstrapPath: '/data/bootstrap.checkpoint',
  })
  const settings = statics.withDynamic(dynamicConfigsOf(() => metadata.image, nodeId))
  const metadata: MetadataController = new MetadataController({
    ...{ log: partition, image, settings, clock, random: systemRandom },
    ...{ turns: endlessTurn, logger: silentLogger },
  })
  await metadata.submit(bootstrap(bootstrapRecords ?? [], '1'))
  metadata.listen('snapshots', (newest) => partition.published(newest))
  const at = { name: controllerListener, host: '127.0.0.1', port: 9093, securityProtocol: 0 }
  const incarnationId = 'IAAAAAAAAAAAAAAAAAAAAA'
  await metadata.submit(
    registerController({ id: nodeId, incarnationId, endpoints: [at], features: nodeFeatures }),
  )
  const sessions = new BrokerSessions(clock, statics.int('broker.session.timeout.ms'))
  const fencing = startBrokerFencing({
    ...{ clock, logger: silentLogger, metadata, sessions },
    sessionTimeoutMs: statics.int('broker.session.timeout.ms'),
  })
  const services = {
    ...{ clock, random: systemRandom, turns: endlessTurn, logger: silentLogger },
    ...{ authorizer: allowAll, settings, metadata, partition, sessions },
    identity: { nodeId, clusterId },
    quotas: { mutationsOf: () => null },
  } as unknown as ControllerServices
  const closed = new AbortController()
  const session = {
    ...{ listenerName: controllerListener, closed: closed.signal, delayed: null },
    ...{ principal: { type: 'User', name: 'ANONYMOUS' }, clientHost: '/127.0.0.1' },
    isSameProcess: options.isSameProcess ?? false,
  } as never

  return {
    ...{ clusterId, nodeId, directoryId: dir!.directoryId, metadata, partition, services },
    /** Asks a handler; the request and the answer are encoded and decoded in between. */
    async ask<Q extends Fields, R extends Fields>(
      { api, handle, refuse }: Handler<Q, R, ControllerServices>,
      apiVersion: number,
      body: object,
    ): Promise<any> {
      const request = through(api, api.request, apiVersion, body)
      const context = { apiVersion, correlationId: 1, clientId: 'held', session, frame: null }
      try {
        const answer = await handle(request as never, context, services)
        return through(api, api.response, apiVersion, answer as object)
      } catch (error) {
        const { code } = error instanceof ApiError ? error : { code: -1 }
        if (!(error instanceof ApiError)) throw error
        return through(api, api.response, apiVersion, refuse(request as never, context, code)!)
      }
    },
    async close() {
      closed.abort()
      await fencing.stop()
      await partition.close()
      await dir!.close(0)
    },
  }
}

export type HeldController = Awaited<ReturnType<typeof holdController>>

function through(api: AnyApi, fields: Fields, version: number, value: object): any {
  const codec = codecOf(fields, version, api.flexible)
  const writer = new Writer()
  codec.write(writer, value as never)
  return codec.read(new Reader(writer.toBuffer()))
}
