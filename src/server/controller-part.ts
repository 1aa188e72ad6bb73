import type { Clock } from '../base/clock.ts'
import type { BrokerSettings } from '../metadata/config/settings.ts'
import { bootstrap, registerController } from '../metadata/controller/brokers.ts'
import { randomUuid } from '../metadata/controller/controller.ts'
import { tokenSecretOf } from '../metadata/delegation-tokens.ts'
import { startTokenSweep } from '../metadata/expired-tokens.ts'
import { startIdleRecords } from '../metadata/idle-records.ts'
import { dynamicConfigsOf } from '../metadata/image.ts'
import { MetadataController } from '../metadata/metadata.ts'
import type { PeriodicRecords } from '../metadata/periodic-records.ts'
import { MetadataPartition, metadataTopic, metadataTopicId } from '../quorum/metadata-partition.ts'
import type { SnapshotLimits } from '../quorum/metadata-snapshots.ts'
import { MutationQuota } from '../security/quota/client-quota.ts'
import { type LogConfig, logConfigDefaults } from '../storage/log-config.ts'
import type { LogDir } from '../storage/log-dir.ts'
import { quotaWindow } from './quotas/quota-gate.ts'
import type { SharedRooms } from './shared-rooms.ts'

/** The controller role of a node: the metadata log and the controller. */
export class ControllerPart {
  readonly nodeId: number
  readonly clusterId: string
  readonly metadata: MetadataController
  readonly mutationQuota: MutationQuota
  private readonly partition: MetadataPartition
  private readonly periodic: readonly PeriodicRecords[]

  private constructor(
    nodeId: number,
    clusterId: string,
    metadata: MetadataController,
    mutationQuota: MutationQuota,
    partition: MetadataPartition,
    periodic: readonly PeriodicRecords[],
  ) {
    this.nodeId = nodeId
    this.clusterId = clusterId
    this.metadata = metadata
    this.mutationQuota = mutationQuota
    this.partition = partition
    this.periodic = periodic
  }

  /** Opens the metadata log in one of the node's directories and registers the controller. */
  static async open(
    statics: BrokerSettings,
    logDirs: readonly LogDir[],
    { clock, random, turns, logger, disk }: SharedRooms,
  ): Promise<ControllerPart> {
    const nodeId = statics.int('node.id')
    const where = statics.string('metadata.log.dir')
    const logDir = logDirs.find(({ path }) => path === where) ?? logDirs[0]!
    const logConfig = metadataLogConfig(statics)
    const name = `${metadataTopic}-0`
    if (!logDir.has(name) && logDir.logCount > 0) {
      // As in Apache Kafka. The broker later renames the existing partitions to strays.
      const fields = { missing: `${logDir.path}/${name}` }
      logger.error(
        'the metadata log is missing: the cluster begins anew without its topics',
        fields,
      )
    }
    const log = await logDir.openLog(name, {
      topicId: metadataTopicId,
      config: () => logConfig,
      isRetained: false,
      isAlwaysRecovered: true,
    })
    const { partition, image, bootstrapRecords } = await MetadataPartition.open({
      ...{ log, disk, nodeId, clock, logger },
      limits: snapshotLimits(statics),
      legacyBootstrapPath: `${logDir.path}/bootstrap.checkpoint`,
    })
    const settings = statics.withDynamic(dynamicConfigsOf(() => metadata.image, nodeId))
    const metadata: MetadataController = new MetadataController({
      log: partition,
      image,
      settings,
      clock,
      random,
      turns,
      logger,
    })
    if (bootstrapRecords !== null || image.features.size === 0) {
      const minInsyncReplicas = String(statics.int('min.insync.replicas'))
      await metadata.submit(bootstrap(bootstrapRecords ?? [], minInsyncReplicas))
    }
    metadata.listen('snapshots', (newest) => partition.published(newest))
    const incarnationId = randomUuid(random)
    await metadata.submit(registerController({ id: nodeId, incarnationId, endpoints: [] }))
    const periodic = startPeriodicRecords(statics, metadata, clock)
    const mutations = mutationQuotaOf(statics, metadata, clock)
    return new ControllerPart(nodeId, logDir.clusterId, metadata, mutations, partition, periodic)
  }

  /** Call this when no broker sends requests any more. */
  async close(): Promise<void> {
    for (const one of this.periodic) await one.stop()
    await this.partition.close()
  }
}

function startPeriodicRecords(
  settings: BrokerSettings,
  metadata: MetadataController,
  clock: Clock,
): PeriodicRecords[] {
  const every = (name: string) => ({ clock, metadata, intervalMs: settings.int(name) })
  const started: PeriodicRecords[] = []
  if (settings.int('metadata.max.idle.interval.ms') > 0) {
    started.push(startIdleRecords(every('metadata.max.idle.interval.ms')))
  }
  if (tokenSecretOf(settings) !== null) {
    started.push(startTokenSweep(every('delegation.token.expiry.check.interval.ms')))
  }
  return started
}

/** Returns the quota of topic changes, which follows the quotas in the metadata. */
function mutationQuotaOf(
  statics: BrokerSettings,
  metadata: MetadataController,
  clock: Clock,
): MutationQuota {
  const quota = new MutationQuota({ window: quotaWindow(statics, 'controller.'), clock })
  quota.follow(metadata.image)
  metadata.listen('quotas', (image) => quota.follow(image))
  return quota
}

/** Returns the metadata log's config (`metadata.log.*`); it has no retention by time. */
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
