import type { consumerGroupDescribe } from '../../../protocol/messages/69-consumer-group-describe.ts'
import type { Response } from '../../../protocol/schema.ts'
import type { TopicView } from '../../topic-view.ts'
import type { ConsumerMember, Partitions } from './consumer-member.ts'

type Described = Response<typeof consumerGroupDescribe>['groups'][number]
type DescribedMember = Described['members'][number]

const memberTypes = { classic: 0, consumer: 1 } as const

/** Returns a member for ConsumerGroupDescribe; partitions to be revoked still count as assigned. */
export function describedMember(
  member: ConsumerMember,
  target: Partitions,
  topics: TopicView,
): DescribedMember {
  const assigned = new Map<string, number[]>()
  for (const partitions of [member.assigned, member.pendingRevocation]) {
    for (const [topicId, epochs] of partitions) {
      assigned.set(topicId, [...(assigned.get(topicId) ?? []), ...epochs.keys()])
    }
  }
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: member.subscribedTopicNames,
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: { topicPartitions: named(assigned, topics) },
    targetAssignment: { topicPartitions: named(target, topics) },
    memberType: member.classic === null ? memberTypes.consumer : memberTypes.classic,
  }
}

/** Adds topic names; omits deleted topics. */
function named(partitions: ReadonlyMap<string, Iterable<number>>, topics: TopicView) {
  return [...partitions].flatMap(([topicId, indexes]) => {
    const topic = topics.byId(topicId)
    return topic === null ? [] : [{ topicId, topicName: topic.name, partitions: [...indexes] }]
  })
}
