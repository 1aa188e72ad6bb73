import type { TopicSummary, TopicView } from '../coordinator/topic-view.ts'
import { type Image, type TopicState, topicById } from '../metadata/image.ts'

/** Returns the topics of the current image, as coordinators see them. */
export function topicView(image: () => Image): TopicView {
  const summaries = new WeakMap<TopicState, TopicSummary>()
  const summaryOf = (topic: TopicState | undefined): TopicSummary | null => {
    if (topic === undefined) return null
    let summary = summaries.get(topic)
    if (summary === undefined) summaries.set(topic, (summary = summarise(topic, image())))
    return summary
  }
  return {
    get version() {
      return image().offset
    },
    byName: (name) => summaryOf(image().topics.get(name)),
    byId: (id) => summaryOf(topicById(image(), id)),
    *all() {
      for (const topic of image().topics.values()) yield summaryOf(topic)!
    },
  }
}

function summarise({ name, id, partitions }: TopicState, { brokers }: Image): TopicSummary {
  const racksOf = (replicas: readonly number[]) =>
    new Set(replicas.flatMap((replica) => brokers.get(replica)?.rack ?? []))
  return {
    name,
    id,
    partitionCount: partitions.length,
    partitionRacks: partitions.map(({ replicas }) => racksOf(replicas)),
  }
}
