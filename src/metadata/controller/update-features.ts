import { javaHashMapOrder } from '../../base/java-hash.ts'
import { ApiError, type ErrorName } from '../../protocol/errors.ts'
import { configRecord } from '../../protocol/stored/metadata/04-config-record.ts'
import { featureLevelRecord } from '../../protocol/stored/metadata/12-feature-level-record.ts'
import { clearElrRecord } from '../../protocol/stored/metadata/28-clear-elr-record.ts'
import { resourceTypes } from '../config/keys.ts'
import { type Image, overridesOf } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command, ControllerView } from './controller.ts'
import {
  elrFeature,
  kraftVersionFeature,
  lossyMetadataVersions,
  metadataVersionFeature,
  supportedFeatures,
} from './features.ts'

/** Codes of `FeatureUpdate.UpgradeType`. */
export const upgradeTypes = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  readonly level: number
  readonly upgradeType: number
}

export interface UpdatedFeatures {
  readonly error: ErrorName
  readonly errorMessage: string | null
}

/** Sets feature levels, all or none (Kafka's `FeatureControlManager`, KIP-584, KIP-1022). */
export function updateFeatures(
  updates: readonly FeatureUpdate[],
  options: { readonly validateOnly: boolean; readonly nodeId: number },
): Command<UpdatedFeatures> {
  return (view) => {
    // The last entry of a repeated feature counts.
    const byName = new Map(updates.map((one) => [one.feature, one]))
    const last = javaHashMapOrder(byName.keys()).map((name) => byName.get(name)!)
    const levels = new Map(view.image.features)
    for (const { feature, level } of last) levels.set(feature, level)
    try {
      const records = last.flatMap((one) => updateOne(one, levels, view, options.nodeId))
      const answer = { error: 'NONE', errorMessage: null } as const
      return { records: options.validateOnly ? [] : records, answer }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const errorMessage =
        'The update failed for all features since the following feature had an error: ' +
        error.detail
      return { records: [], answer: { error: error.reason, errorMessage } }
    }
  }
}

function updateOne(
  update: FeatureUpdate,
  levels: ReadonlyMap<string, number>,
  view: ControllerView,
  nodeId: number,
): MetadataRecord[] {
  const { feature, level } = update
  const current = currentLevel(view.image, feature)
  checkUpdate(update, current, levels, { nodeId, image: view.image })
  if (feature === kraftVersionFeature) {
    if (level === current) return []
    throw invalid(update, 'A quorum whose controllers have no listener keeps its static voters.')
  }
  const record = metadataRecord(featureLevelRecord, { name: feature, featureLevel: level })
  if (feature !== elrFeature || level === current) return [record]
  if (level === 0) return [record, metadataRecord(clearElrRecord, { topicName: '' })]
  return [record, ...minInsyncRecords(view)]
}

function currentLevel({ features, quorum }: Image, feature: string): number {
  if (feature === kraftVersionFeature) return quorum.kraftVersion
  return features.get(feature) ?? 0
}

function checkUpdate(
  update: FeatureUpdate,
  current: number,
  levels: ReadonlyMap<string, number>,
  { nodeId, image }: { readonly nodeId: number; readonly image: Image },
): void {
  const { feature, level, upgradeType } = update
  if (!Object.values<number>(upgradeTypes).includes(upgradeType)) {
    throw invalid(update, 'The controller does not support the given upgrade type.')
  }
  if (level < 0) throw invalid(update, 'A feature version cannot be less than 0.')
  const supported = supportedFeatures.find(({ name }) => name === feature)
  if (supported === undefined) {
    if (level === 0) throw invalid(update, `Feature ${feature} not found.`)
    throw invalid(update, `Local controller ${nodeId} does not support this feature.`)
  }
  const { min, max, needs } = supported
  if (level < min || level > max) {
    throw invalid(update, `Local controller ${nodeId} only supports versions ${min}-${max}`)
  }
  checkNodes(update, nodeId, image)
  if (level < current && upgradeType === upgradeTypes.upgrade) {
    throw invalid(
      update,
      "Can't downgrade the version of this feature without setting the upgrade type to either " +
        'safe or unsafe downgrade.',
    )
  }
  if (level > current && upgradeType !== upgradeTypes.upgrade) {
    throw invalid(update, "Can't downgrade to a newer version.")
  }
  if (feature === kraftVersionFeature && level < current) {
    throw invalid(update, "Can't downgrade the version of this feature.")
  }
  if (feature === metadataVersionFeature) checkMetadataVersion(update, current)
  for (const [other, needed] of Object.entries(needs[level] ?? {})) {
    if ((levels.get(other) ?? 0) >= needed) continue
    throw invalid(
      update,
      `${feature} could not be set to ${level} because it depends on ${other} level ${needed}`,
    )
  }
}

/** Checks that every registered node supports a level; one without the feature supports 0. */
function checkNodes(update: FeatureUpdate, nodeId: number, { brokers, controllers }: Image): void {
  const others = [...controllers.values()].filter(({ id }) => id !== nodeId)
  const nodes = [
    ...[...brokers.values()].map((node) => ({ what: `Broker ${node.id}`, node })),
    ...others.map((node) => ({ what: `Controller ${node.id}`, node })),
  ]
  for (const { what, node } of nodes) {
    const range = node.features.find(({ name }) => name === update.feature)
    const [min, max] = [range?.minSupportedVersion ?? 0, range?.maxSupportedVersion ?? 0]
    if (update.level >= min && update.level <= max) continue
    if (max === 0) throw invalid(update, `${what} does not support this feature.`)
    throw invalid(update, `${what} only supports versions ${rangeText(min, max)}`)
  }
}

/** The highest level there can be (int16). */
const levelMax = 32_767

/** Formats a range as Kafka's `VersionRange`. */
function rangeText(min: number, max: number): string {
  if (min === max) return String(min)
  return max === levelMax ? `${min}+` : `${min}-${max}`
}

/** Refuses a downgrade that would lose records of the newer version. */
function checkMetadataVersion({ level, upgradeType }: FeatureUpdate, current: number): void {
  if (!lossyMetadataVersions.some((lossy) => lossy > level && lossy <= current)) return
  throw new ApiError(
    'INVALID_UPDATE_VERSION',
    `Unsupported metadata.version downgrade from ${current} to ${level}. ` +
      (upgradeType === upgradeTypes.unsafeDowngrade
        ? 'Unsafe metadata downgrade is not supported in this version.'
        : 'Refusing to perform the requested downgrade because it might delete metadata information.'),
  )
}

function invalid({ feature, level }: FeatureUpdate, why: string): ApiError {
  return new ApiError(
    'INVALID_UPDATE_VERSION',
    `Invalid update version ${level} for feature ${feature}. ${why}`,
  )
}

/**
 * Returns records that move min.insync.replicas to the cluster level, as eligible leader replicas
 * require (KIP-966).
 */
function minInsyncRecords({ image, settings }: ControllerView): MetadataRecord[] {
  const name = 'min.insync.replicas'
  const isSet = overridesOf(image, resourceTypes.broker, '').has(name)
  const record = (resourceName: string, value: string | null) =>
    metadataRecord(configRecord, {
      ...{ resourceType: resourceTypes.broker, resourceName, name, value },
    })
  const own = [...image.brokers.keys()]
    .map(String)
    .filter((id) => overridesOf(image, resourceTypes.broker, id).has(name))
  return [
    ...(isSet ? [] : [record('', settings.text(name) ?? '1')]),
    ...own.map((id) => record(id, null)),
  ]
}
