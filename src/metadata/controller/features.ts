/** A feature of the cluster, and the levels this release supports (KIP-584). */
export interface SupportedFeature {
  readonly name: string
  readonly min: number
  readonly max: number
  /** Default levels of a new cluster, each from a level of `metadata.version` on, lowest first. */
  readonly defaults: readonly (readonly [metadataVersion: number, level: number])[]
  /** Levels of other features that a level requires. */
  readonly needs: Readonly<Record<number, Readonly<Record<string, number>>>>
}

export const metadataVersionFeature = 'metadata.version'
export const kraftVersionFeature = 'kraft.version'
export const elrFeature = 'eligible.leader.replicas.version'

/** As in Apache Kafka 4.4.0 without unstable features. */
export const supportedFeatures: readonly SupportedFeature[] = [
  feature('group.version', 1, [[22, 1]]),
  feature(kraftVersionFeature, 1, [[21, 1]]),
  { name: metadataVersionFeature, min: 7, max: 33, defaults: [[7, 33]], needs: {} },
  feature('share.version', 2, [
    [28, 1],
    [31, 2],
  ]),
  feature('streams.version', 1, [[29, 1]]),
  feature('transaction.version', 2, [[24, 2]]),
  { ...feature(elrFeature, 1, [[26, 1]]), needs: { 1: { [metadataVersionFeature]: 23 } } },
]

function feature(
  name: string,
  max: number,
  defaults: SupportedFeature['defaults'],
): SupportedFeature {
  return { name, min: 0, max, defaults, needs: {} }
}

/** Number of `metadata.version` levels per release, and the number of its first one. */
const releases: readonly (readonly [release: string, count: number, firstIteration?: number])[] = [
  ['3.3', 1, 3],
  ['3.4', 1],
  ['3.5', 3],
  ['3.6', 3],
  ['3.7', 5],
  ['3.8', 1],
  ['3.9', 1],
  ['4.0', 4],
  ['4.1', 2],
  ['4.2', 2],
  ['4.3', 1],
  ['4.4', 3],
]

/** Names of the levels of `metadata.version`, as in `4.4-IV2`, from the lowest on. */
export const metadataVersions: ReadonlyMap<number, string> = new Map(
  releases
    .flatMap(([release, count, first = 0]) =>
      Array.from({ length: count }, (_, i) => `${release}-IV${first + i}`),
    )
    .map((name, i) => [7 + i, name]),
)

/** Returns the level of `4.4-IV2`, or the newest of `4.4` or `4.4.0`; null for unknown versions. */
export function metadataVersionOf(text: string): number | null {
  const named = [...metadataVersions].filter(([, name]) =>
    text.includes('-IV') ? name === text : name.startsWith(`${release(text)}-`),
  )
  return named.at(-1)?.[0] ?? null
}

function release(text: string): string {
  return text.split('.').slice(0, 2).join('.')
}

export function defaultLevel({ defaults }: SupportedFeature, metadataVersion: number): number {
  return defaults.filter(([since]) => since <= metadataVersion).at(-1)?.[1] ?? 0
}

/**
 * Returns the feature levels of a cluster formatted with this metadata version, in record order.
 * @param chosen requested levels, instead of the defaults.
 */
export function initialFeatureLevels(
  metadataVersion: number,
  chosen: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const levels = new Map([[metadataVersionFeature, metadataVersion]])
  const others = supportedFeatures.filter(
    ({ name }) => name !== metadataVersionFeature && name !== kraftVersionFeature,
  )
  for (const one of others.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const level = chosen.get(one.name) ?? defaultLevel(one, metadataVersion)
    if (level > 0) levels.set(one.name, level)
  }
  return levels
}

export const newestMetadataVersion = 33

/** The first `metadata.version` (3.7-IV0) in which controllers register (KIP-919). */
export const controllersRegisterSince = 15

/** Levels of `metadata.version` with new records, which a downgrade below them would lose. */
export const lossyMetadataVersions: readonly number[] = [8, 11, 13, 14, 15, 17, 23, 30, 32, 33]
