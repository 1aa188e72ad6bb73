import { scalaHashMapOrder, scalaTrieOrder, topicIdPartitionHash } from '../base/java-hash.ts'
import { errorCode } from '../protocol/errors.ts'
import type { ProduceRequest, ProduceResponse } from '../protocol/messages/00-produce.ts'

type TopicData = ProduceRequest['topicData'][number]
type PartitionData = TopicData['partitionData'][number]
type Responses = ProduceResponse['responses']
type Response = Responses[number]

/** Returns each partition once, with its last records, as Kafka's map does; drops empty topics. */
export function distinctPartitions(topicData: readonly TopicData[]): readonly TopicData[] {
  if (areDistinct(topicData)) return topicData
  const topics = new Map<string, { topic: TopicData; partitions: Map<number, PartitionData> }>()
  for (const topic of topicData) {
    if (topic.partitionData.length === 0) continue
    const key = `${topic.topicId}/${topic.name}`
    let known = topics.get(key)
    if (known === undefined) topics.set(key, (known = { topic, partitions: new Map() }))
    for (const one of topic.partitionData) known.partitions.set(one.index, one)
  }
  return [...topics.values()].map(({ topic, partitions }) => ({
    ...topic,
    partitionData: [...partitions.values()],
  }))
}

/** Whether no partition is repeated, the case of almost every request. */
function areDistinct(topicData: readonly TopicData[]): boolean {
  const seen = new Set<string>()
  for (const { name, topicId, partitionData } of topicData) {
    if (partitionData.length === 0) return false
    const key = `${topicId}/${name}`
    if (seen.has(key)) return false
    seen.add(key)
    if (new Set(partitionData.map(({ index }) => index)).size < partitionData.length) return false
  }
  return true
}

/** Error codes of partitions that Kafka puts behind the others, as long as the map is small. */
const unknown: ReadonlySet<number> = new Set(
  (['UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID'] as const).map(errorCode),
)

/** Size up to which Scala's immutable map keeps insertion order. */
const smallMapMax = 4

/** Sorts the responses of a request in Kafka's order: a hash map of partitions by topic id. */
export function inOrder(
  responses: Responses,
  topicOf: (of: Response) => { readonly id: string; readonly name: string },
): Responses {
  const all = responses.flatMap((of) => {
    const { id, name } = topicOf(of)
    const hashOf = topicIdPartitionHash(id, name)
    return of.partitionResponses.map((answer) => ({ of, answer, hash: hashOf(answer.index) }))
  })
  const topics = new Map<Response, Response['partitionResponses'][number][]>()
  const hashOf = (one: (typeof all)[number]) => one.hash
  const isUnknown = ({ answer }: (typeof all)[number]) => unknown.has(answer.errorCode)
  const ordered =
    all.length > smallMapMax
      ? scalaTrieOrder(all, hashOf)
      : [
          ...scalaHashMapOrder(
            all.filter((one) => !isUnknown(one)),
            hashOf,
          ),
          ...scalaHashMapOrder(all.filter(isUnknown), hashOf),
        ]
  for (const { of, answer } of ordered) {
    const known = topics.get(of)
    if (known === undefined) topics.set(of, [answer])
    else known.push(answer)
  }
  return [...topics].map(([of, partitionResponses]) => ({ ...of, partitionResponses }))
}
