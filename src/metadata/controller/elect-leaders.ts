import type { ErrorName } from '../../protocol/errors.ts'
import type { Image, PartitionState } from '../image.ts'
import type { MetadataRecord } from '../records.ts'
import { type Command, checkRecordCount } from './controller.ts'
import { partitionChange } from './partition-change.ts'
import { TopicRules } from './partition-rules.ts'

/** Partitions decided on between two yields. */
const partitionsBetween = 64

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
  return function* (view) {
    const records: MetadataRecord[] = []
    const topics: ElectedTopic[] = []
    let seen = 0
    for (const { topic: name, partitions } of asked ?? everything(view.image)) {
      const topic = view.image.topics.get(name)
      const rules = topic === undefined ? null : new TopicRules(view, topic)
      const elections: ElectedPartition[] = []
      for (const index of partitions) {
        if (++seen % partitionsBetween === 0) yield
        const partition = topic?.partitions[index]
        if (partition === undefined) {
          const what = topic === undefined ? `topic as ${name}` : `partition as ${name}-${index}`
          elections.push(failed(index, 'UNKNOWN_TOPIC_OR_PARTITION', `No such ${what}`))
          continue
        }
        const result = electionRecord(rules!, index, type, partition)
        if (typeof result !== 'string') records.push(result)
        const error = typeof result === 'string' ? result : 'NONE'
        elections.push(failed(index, error, messages[error] ?? null))
      }
      topics.push({ topic: name, partitions: elections })
    }
    checkRecordCount(records)
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

/** Returns the record of an election, or the reason why there is none. */
export function electionRecord(
  rules: TopicRules,
  index: number,
  type: number,
  { leader, replicas }: PartitionState,
): MetadataRecord | ErrorName {
  const isPreferred = type === electionTypes.preferred
  if (isPreferred ? leader === replicas[0] : leader !== -1) return 'ELECTION_NOT_NEEDED'
  const election = isPreferred ? 'preferred' : 'unclean'
  const record = partitionChange(rules.of(index), { election })
  if (record !== null) return record
  return isPreferred ? 'PREFERRED_LEADER_NOT_AVAILABLE' : 'ELIGIBLE_LEADERS_NOT_AVAILABLE'
}
