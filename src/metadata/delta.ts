import { assert } from '../base/assert.ts'
import type { Overrides } from './config/settings.ts'
import {
  type BrokerState,
  type ControllerState,
  type Image,
  type PartitionState,
  type TopicState,
  topicById,
} from './image.ts'

interface TopicDraft {
  readonly name: string
  readonly id: string
  readonly partitions: PartitionState[]
}

/** The changes of topics in a delta; listeners update their partitions accordingly. */
export interface TopicChanges {
  /** Created topics, and topics with changed partitions. */
  readonly changed: readonly TopicState[]
  readonly deleted: readonly TopicState[]
}

/**
 * Returns the changes from one image to a later one that was not made from it by records. Every
 * change of a partition raises its partition epoch.
 */
export function changesBetween(before: Image, after: Image): TopicChanges {
  const changed = [...after.topics.values()].filter((topic) => {
    const old = topicById(before, topic.id)?.partitions
    return (
      old?.length !== topic.partitions.length ||
      topic.partitions.some(({ partitionEpoch }, i) => partitionEpoch !== old[i]!.partitionEpoch)
    )
  })
  const deleted = [...before.topics.values()].filter(({ id }) => !after.topicNames.has(id))
  return { changed, deleted }
}

/**
 * Returns the changes of an image together with those of the next one, for a listener that has last
 * processed the image `seen`.
 */
export function mergedChanges(seen: Image, first: TopicChanges, then: TopicChanges): TopicChanges {
  const deleted = new Map(first.deleted.map((topic) => [topic.id, topic]))
  const changed = new Map(first.changed.map((topic) => [topic.id, topic]))
  for (const topic of then.deleted) {
    changed.delete(topic.id)
    if (seen.topicNames.has(topic.id)) deleted.set(topic.id, topic)
  }
  for (const topic of then.changed) changed.set(topic.id, topic)
  return { changed: [...changed.values()], deleted: [...deleted.values()] }
}

/**
 * Collects the effect of records on an image (`replayRecord`); `apply` returns the image after
 * them.
 */
export class ImageDelta {
  readonly base: Image
  readonly topics = new Map<string, TopicDraft>()
  readonly deletedTopics = new Map<string, TopicState>()
  readonly configs = new Map<string, Map<string, string>>()
  brokers: Map<number, BrokerState> | null = null
  controllers: Map<number, ControllerState> | null = null
  features: Map<string, number> | null = null
  quotas: Image['quotas']
  quotaLevels: Image['quotaLevels']
  scram: Image['scram']
  acls: Image['acls']
  delegationTokens: Image['delegationTokens']
  quorum: Image['quorum']
  nextProducerId: number
  /** Offset of the last record that the delta contains. */
  offset: number

  constructor(base: Image) {
    this.base = base
    this.quotas = base.quotas
    this.quotaLevels = base.quotaLevels
    this.scram = base.scram
    this.acls = base.acls
    this.delegationTokens = base.delegationTokens
    this.quorum = base.quorum
    this.nextProducerId = base.nextProducerId
    this.offset = base.offset
  }

  /** Skips records that do not affect the image (control records). */
  skipTo(offset: number): void {
    this.offset = offset
  }

  apply(epoch: number): Image {
    let { topics, topicNames, configs } = this.base
    for (const { name, id } of this.deletedTopics.values()) {
      // A topic of the same name may be recreated in the same delta.
      if (topics.get(name)?.id === id) topics = topics.delete(name)
      topicNames = topicNames.delete(id)
    }
    for (const draft of this.topics.values()) {
      topics = topics.set(draft.name, draft)
      topicNames = topicNames.set(draft.id, draft.name)
    }
    for (const [key, overrides] of this.configs) {
      configs = overrides.size === 0 ? configs.delete(key) : configs.set(key, overrides)
    }
    return {
      offset: this.offset,
      epoch,
      topics,
      topicNames,
      configs,
      brokers: this.brokers ?? this.base.brokers,
      controllers: this.controllers ?? this.base.controllers,
      features: this.features ?? this.base.features,
      quotas: this.quotas,
      quotaLevels: this.quotaLevels,
      scram: this.scram,
      acls: this.acls,
      delegationTokens: this.delegationTokens,
      quorum: this.quorum,
      nextProducerId: this.nextProducerId,
    }
  }

  changes(): TopicChanges {
    return { changed: [...this.topics.values()], deleted: [...this.deletedTopics.values()] }
  }

  draftOf(topicId: string): TopicDraft {
    let draft = this.topics.get(topicId)
    if (draft === undefined) {
      const topic = topicById(this.base, topicId)
      assert(topic !== undefined, `metadata record of unknown topic id ${topicId}`)
      draft = { name: topic.name, id: topicId, partitions: topic.partitions.slice() }
      this.topics.set(topicId, draft)
    }
    return draft
  }

  /**
   * Returns a topic with the changes so far, for a ClearElrRecord, whose empty name stands for all
   * topics (KIP-966); nothing for an unknown name.
   */
  *topicsNamed(name: string): Generator<TopicState> {
    yield* [...this.topics.values()].filter((draft) => name === '' || draft.name === name)
    const { topics } = this.base
    const one = topics.get(name)
    for (const topic of name === '' ? topics.values() : one === undefined ? [] : [one]) {
      if (!this.topics.has(topic.id) && !this.deletedTopics.has(topic.id)) yield topic
    }
  }

  overridesDraft(key: string): Map<string, string> {
    let draft = this.configs.get(key)
    if (draft === undefined) {
      draft = new Map(this.base.configs.get(key) as Overrides | undefined)
      this.configs.set(key, draft)
    }
    return draft
  }

  brokersDraft(): Map<number, BrokerState> {
    return (this.brokers ??= new Map(this.base.brokers))
  }

  controllersDraft(): Map<number, ControllerState> {
    return (this.controllers ??= new Map(this.base.controllers))
  }

  featuresDraft(): Map<string, number> {
    return (this.features ??= new Map(this.base.features))
  }
}
