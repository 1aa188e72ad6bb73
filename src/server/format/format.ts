import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { BrokerSettings } from '../../metadata/config/settings.ts'
import { featureRecords } from '../../metadata/controller/brokers.ts'
import { randomUuid } from '../../metadata/controller/controller.ts'
import {
  initialFeatureLevels,
  kraftVersionFeature,
  metadataVersionFeature,
  metadataVersionOf,
  metadataVersions,
  newestMetadataVersion,
  supportedFeatures,
} from '../../metadata/controller/features.ts'
import type { QuorumMembers } from '../../metadata/image.ts'
import { metadataTopic } from '../../quorum/metadata-partition.ts'
import { snapshotBatches, snapshotName } from '../../quorum/snapshot-file.ts'
import type { Disk } from '../../storage/disk.ts'
import { readMetaProperties, writeMetaProperties } from '../../storage/meta-properties.ts'
import { planListeners } from '../config/listeners.ts'
import { logDirPaths } from '../config/log-dir-paths.ts'
import { voterEndpoints } from '../voter-endpoints.ts'
import { BadFormat } from './bad-format.ts'
import { scramRecord } from './scram-argument.ts'

export interface FormatOptions {
  readonly settings: BrokerSettings
  readonly clusterId: string
  /** The voters (KIP-853): this node alone, nodes that join later, or those in the settings. */
  readonly voters: 'standalone' | 'none yet' | 'static'
  /** As in `4.4` or `4.4-IV2`; null for the newest. */
  readonly releaseVersion: string | null
  readonly features: ReadonlyMap<string, number>
  /** Users in the syntax of `kafka-storage format --add-scram`. */
  readonly scram: readonly string[]
  /** Skips formatted directories instead of failing. */
  readonly ignoreFormatted: boolean
}

interface Rooms {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
}

/**
 * Formats the directories of `log.dirs` and writes the initial records of the cluster to the
 * metadata directory, like `kafka-storage format` (Kafka's `Formatter`).
 * @returns lines for the operator.
 * @throws BadFormat
 */
export async function format(options: FormatOptions, rooms: Rooms): Promise<string[]> {
  const { settings, clusterId } = options
  const { disk, random } = rooms
  const metadataVersion = metadataVersionFor(options)
  checkFeatures(options)
  const scram = options.scram.map((text) => scramRecord(text, random))
  const levels = initialFeatureLevels(metadataVersion, options.features)
  const records = [...featureRecords(levels), ...scram]
  const paths = logDirPaths(settings)
  const metadataDir = settings.string('metadata.log.dir') ?? paths[0]!
  const all = [...new Set([metadataDir, ...paths])]
  const unformatted = await pickUnformatted(all, options, disk)
  const directoryIds = new Map(unformatted.map((path) => [path, randomUuid(random)]))
  const nodeId = settings.int('node.id')
  const lines: string[] = []
  for (const path of unformatted) {
    const directoryId = directoryIds.get(path)!
    const isMetadata = path === metadataDir
    const kind = !isMetadata
      ? 'data directory'
      : options.voters === 'standalone'
        ? 'dynamic metadata voter directory'
        : 'metadata directory'
    const version = metadataVersions.get(metadataVersion)
    lines.push(`Formatting ${kind} ${path} with ${metadataVersionFeature} ${version}.`)
    await disk.makeDirectory(path)
    if (isMetadata) {
      const dir = `${path}/${metadataTopic}-0`
      const quorum = quorumOf(options, nodeId, directoryId, metadataVersion)
      const nowMs = rooms.clock.nowMs()
      const times = { timestampMs: nowMs, lastContainedLogTimestampMs: nowMs }
      const batches = [...snapshotBatches({ epoch: 0, quorum, records, ...times })]
      await disk.makeDirectory(dir)
      await disk.writeFileAtomically(`${dir}/${snapshotName(0, 0)}`, Buffer.concat(batches))
    }
    // Written last: a directory with meta.properties counts as formatted.
    await writeMetaProperties(disk, path, { clusterId, directoryId, nodeId })
  }
  return lines.length > 0 ? lines : ['All of the log directories are already formatted.']
}

async function pickUnformatted(paths: readonly string[], options: FormatOptions, disk: Disk) {
  const unformatted: string[] = []
  for (const path of paths) {
    const found = await readMetaProperties(disk, path)
    if (found === null) {
      unformatted.push(path)
      continue
    }
    if (!options.ignoreFormatted) {
      throw new BadFormat(
        `Log directory ${path} is already formatted. Use --ignore-formatted to ignore this ` +
          'directory and format the others.',
      )
    }
    if (found.clusterId !== undefined && found.clusterId !== options.clusterId) {
      throw new BadFormat(
        `Invalid cluster.id in: ${path}/meta.properties. Expected ${options.clusterId}, but read ` +
          found.clusterId,
      )
    }
  }
  return unformatted
}

function metadataVersionFor({ releaseVersion, features }: FormatOptions): number {
  const chosen = features.get(metadataVersionFeature)
  if (chosen !== undefined && releaseVersion !== null) {
    throw new BadFormat(
      `Use --release-version instead of --feature ${metadataVersionFeature}=X to avoid ambiguity.`,
    )
  }
  if (chosen !== undefined) return checkedLevel(metadataVersionFeature, chosen)
  if (releaseVersion === null) return newestMetadataVersion
  const level = metadataVersionOf(releaseVersion)
  if (level !== null) return level
  throw new BadFormat(
    `Unknown ${metadataVersionFeature} '${releaseVersion}'. Supported ${metadataVersionFeature} ` +
      `are: ${[...metadataVersions.values()].join(', ')}`,
  )
}

function checkFeatures({ features, voters }: FormatOptions): void {
  for (const [name, level] of features) {
    if (!supportedFeatures.some((one) => one.name === name)) {
      const names = supportedFeatures.map((one) => one.name).toSorted()
      const others = names.filter((one) => one !== metadataVersionFeature)
      throw new BadFormat(
        `Unsupported feature: ${name}. Supported features are: ${others.join(', ')}`,
      )
    }
    checkedLevel(name, level)
  }
  const kraftVersion = features.get(kraftVersionFeature)
  if (kraftVersion === 0 && voters !== 'static') {
    throw new BadFormat(
      `Cannot set ${kraftVersionFeature} to 0 if controllers are named in the metadata log.`,
    )
  }
}

function checkedLevel(name: string, level: number): number {
  const known = supportedFeatures.find((one) => one.name === name)
  if (known !== undefined && level >= known.min && level <= known.max) return level
  throw new BadFormat(`No feature:${name} with feature level ${level}`)
}

function quorumOf(
  { voters, settings }: FormatOptions,
  nodeId: number,
  directoryId: string,
  metadataVersion: number,
): QuorumMembers {
  if (voters === 'static') return { kraftVersion: 0, voters: [] }
  const kraft = supportedFeatures.find(({ name }) => name === kraftVersionFeature)!
  if (metadataVersion < kraft.defaults[0]![0]) {
    throw new BadFormat(`${metadataVersions.get(metadataVersion)} has static voters only`)
  }
  if (voters === 'none yet') return { kraftVersion: 1, voters: [] }
  const endpoints = voterEndpoints(planListeners(settings).controller)
  if (endpoints.length === 0) {
    throw new BadFormat(
      'You can only use --standalone on a controller: listeners names none of ' +
        'controller.listener.names',
    )
  }
  const kRaftVersionFeature = { minSupportedVersion: kraft.min, maxSupportedVersion: kraft.max }
  const self = { voterId: nodeId, voterDirectoryId: directoryId, endpoints, kRaftVersionFeature }
  return { kraftVersion: 1, voters: [self] }
}
