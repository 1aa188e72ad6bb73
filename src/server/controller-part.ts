import { resourceTypes } from '../metadata/config/keys.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { bootstrap, registerController } from '../metadata/controller/brokers.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { IdleRecords } from '../metadata/idle-records.ts'
import { overridesOf } from '../metadata/image.ts'
import { MetadataController } from '../metadata/metadata.ts'
import {
  MetadataPartition,
  metadataTopic,
  metadataTopicId,
} from '../replication/metadata-partition.ts'
import type { SnapshotLimits } from '../replication/metadata-snapshots.ts'
import { type LogConfig, logConfigDefaults } from '../storage/log-config.ts'
import type { LogDir } from '../storage/log-dir.ts'
import type { SharedRooms } from './shared-rooms.ts'

/** The controller's half of a node: the metadata log, and who decides on it. */
export class ControllerPart {
  readonly nodeId: number
  readonly clusterId: string
  readonly metadata: MetadataController
  private readonly partition: MetadataPartition
  private readonly idle: IdleRecords

  private constructor(
    nodeId: number,
    clusterId: string,
    metadata: MetadataController,
    partition: MetadataPartition,
    idle: IdleRecords,
  ) {
    this.nodeId = nodeId
    this.clusterId = clusterId
    this.metadata = metadata
    this.partition = partition
    this.idle = idle
  }

  /** Opens the metadata log in one of the node's directories, and enters the node as controller. */
  static async open(
    statics: BrokerSettings,
    logDirs: readonly LogDir[],
    { clock, random, logger, disk }: SharedRooms,
  ): Promise<ControllerPart> {
    const nodeId = statics.int('node.id')
    const where = statics.string('metadata.log.dir')
    const logDir = logDirs.find(({ path }) => path === where) ?? logDirs[0]!
    const logConfig = metadataLogConfig(statics)
    const log = await logDir.openLog(`${metadataTopic}-0`, {
      topicId: metadataTopicId,
      config: () => logConfig,
      isRetained: false,
    })
    const { partition, image, bootstrapRecords } = await MetadataPartition.open({
      ...{ log, disk, nodeId, clock, logger },
      limits: snapshotLimits(statics),
      legacyBootstrapPath: `${logDir.path}/bootstrap.checkpoint`,
    })
    const settings = statics.withDynamic({
      cluster: () => overridesOf(metadata.image, resourceTypes.broker, ''),
      broker: () => overridesOf(metadata.image, resourceTypes.broker, String(nodeId)),
    })
    const metadata: MetadataController = new MetadataController({
      log: partition,
      image,
      settings,
      clock,
      random,
      logger,
    })
    if (bootstrapRecords !== null || image.features.size === 0) {
      const minInsyncReplicas = statics.text('min.insync.replicas') ?? '1'
      await metadata.submit(bootstrap(bootstrapRecords ?? [], minInsyncReplicas))
    }
    metadata.listen((newest) => partition.published(newest))
    const incarnationId = randomUuid(random)
    await metadata.submit(registerController({ id: nodeId, incarnationId, endpoints: [] }))
    const intervalMs = statics.int('metadata.max.idle.interval.ms')
    const idle = new IdleRecords({ clock, metadata, intervalMs })
    return new ControllerPart(nodeId, logDir.clusterId, metadata, partition, idle)
  }

  /** To be called when no broker asks for anything any more. */
  async close(): Promise<void> {
    await this.idle.stop()
    await this.partition.close()
  }
}

/** The metadata log has settings of its own (`metadata.log.*`), and is never cut by time alone. */
function metadataLogConfig(settings: BrokerSettings): LogConfig {
  return {
    ...logConfigDefaults,
    segmentBytes: settings.int('metadata.log.segment.bytes'),
    segmentMs: settings.int('metadata.log.segment.ms'),
    retentionMs: -1,
    maxMessageBytes: 8 * 1024 * 1024,
  }
}

function snapshotLimits(settings: BrokerSettings): SnapshotLimits {
  return {
    bytesBetweenMax: settings.int('metadata.log.max.record.bytes.between.snapshots'),
    intervalMs: settings.int('metadata.log.max.snapshot.interval.ms'),
    retentionBytes: settings.int('metadata.max.retention.bytes'),
    retentionMs: settings.int('metadata.max.retention.ms'),
  }
}
