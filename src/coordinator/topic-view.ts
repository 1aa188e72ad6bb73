/**
 * The topics of the metadata image, as far as coordinators need them. The broker keeps it current.
 */
export interface TopicView {
  byName(name: string): TopicSummary | null
  byId(id: string): TopicSummary | null
  all(): Iterable<TopicSummary>
  /** The metadata offset of this view. */
  readonly version: number
}

export interface TopicSummary {
  readonly name: string
  readonly id: string
  readonly partitionCount: number
  /** The racks of each partition's replicas; an empty set if the brokers have no rack. */
  readonly partitionRacks: readonly ReadonlySet<string>[]
}
