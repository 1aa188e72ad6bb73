import type { ErrorName } from '../../protocol/errors.ts'
import { partitionChangeRecord } from '../../protocol/stored/metadata/05-partition-change-record.ts'
import type { Image, PartitionState } from '../image.ts'
import { type MetadataRecord, metadataRecord } from '../records.ts'
import type { Command } from './controller.ts'

/** Codes of `ElectionType`. */
export const electionTypes = { preferred: 0, unclean: 1 } as const

interface ElectedPartition {
  readonly index: number
  readonly error: ErrorName
  readonly errorMessage: string | null
}

export interface ElectedTopic {
  readonly topic: string
  readonly partitions: readonly ElectedPartition[]
}

type Asked = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

/** Elects leaders; for a request of all partitions, omits those that need no election. */
export function electLeaders(type: number, asked: Asked | null): Command<ElectedTopic[]> {
  return ({ image }) => {
    const records: MetadataRecord[] = []
    const topics = (asked ?? everything(image)).map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((index): ElectedPartition => {
        const state = image.topics.get(topic)
        if (state === undefined) {
          return failed(index, 'UNKNOWN_TOPIC_OR_PARTITION', `No such topic as ${topic}`)
        }
        const partition = state.partitions[index]
        if (partition === undefined) {
          const errorMessage = `No such partition as ${topic}-${index}`
          return failed(index, 'UNKNOWN_TOPIC_OR_PARTITION', errorMessage)
        }
        const leader = choose(type, partition, image)
        if (typeof leader !== 'number') return failed(index, leader, messages[leader] ?? null)
        records.push(
          metadataRecord(partitionChangeRecord, { partitionId: index, topicId: state.id, leader }),
        )
        return failed(index, 'NONE', null)
      }),
    }))
    return { records, answer: asked === null ? withoutNeedless(topics) : topics }
  }
}

const messages: Partial<Record<ErrorName, string>> = {
  ELECTION_NOT_NEEDED: 'Leader election not needed for topic partition.',
  PREFERRED_LEADER_NOT_AVAILABLE: 'The preferred leader was not available.',
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 'Eligible topic partition leaders are not available.',
}

const failed = (index: number, error: ErrorName, errorMessage: string | null) => ({
  index,
  error,
  errorMessage,
})

function everything(image: Image): Asked {
  return [...image.topics.values()].map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map((_, index) => index),
  }))
}

/** Keeps topics, even without partitions left. */
function withoutNeedless(topics: readonly ElectedTopic[]): ElectedTopic[] {
  return topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.filter(({ error }) => error !== 'ELECTION_NOT_NEEDED'),
  }))
}

/** Returns the new leader, or the reason why there is none. */
function choose(type: number, partition: PartitionState, image: Image): number | ErrorName {
  const { leader, isr, replicas } = partition
  const isAlive = (id: number) => image.brokers.get(id)?.fenced === false
  if (type === electionTypes.preferred) {
    const preferred = replicas[0]!
    if (leader === preferred) return 'ELECTION_NOT_NEEDED'
    return isAlive(preferred) && isr.includes(preferred)
      ? preferred
      : 'PREFERRED_LEADER_NOT_AVAILABLE'
  }
  if (leader !== -1) return 'ELECTION_NOT_NEEDED'
  return replicas.find(isAlive) ?? 'ELIGIBLE_LEADERS_NOT_AVAILABLE'
}
