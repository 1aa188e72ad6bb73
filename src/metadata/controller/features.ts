/** A feature of the cluster and the levels that this release can work at (KIP-584). */
export interface SupportedFeature {
  readonly name: string
  readonly min: number
  readonly max: number
}

/** As Apache Kafka 4.4.0 without unstable features. */
export const supportedFeatures: readonly SupportedFeature[] = [
  { name: 'group.version', min: 0, max: 1 },
  { name: 'kraft.version', min: 0, max: 1 },
  { name: 'metadata.version', min: 7, max: 33 },
  { name: 'share.version', min: 0, max: 2 },
  { name: 'streams.version', min: 0, max: 1 },
  { name: 'transaction.version', min: 0, max: 2 },
  { name: 'eligible.leader.replicas.version', min: 0, max: 1 },
]

/** The levels that a cluster formatted by 4.4.0 starts with. */
export const initialFeatureLevels: ReadonlyMap<string, number> = new Map([
  ['metadata.version', 33],
  ['eligible.leader.replicas.version', 1],
  ['group.version', 1],
  ['share.version', 2],
  ['streams.version', 1],
  ['transaction.version', 2],
])
