import { array, data, int32, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 7 of `__consumer_offsets`: consumer group target assignment member. */
export const consumerGroupTargetAssignmentMemberKey = data({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  key: 7,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})

export const consumerGroupTargetAssignmentMemberValue = data({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  key: 7,
  versions: [0, 0],
  flexible: 0,
  fields: { topicPartitions: array({ topicId: uuid, partitions: array(int32) }) },
})

export type ConsumerGroupTargetAssignmentMemberKey = ValueOf<
  typeof consumerGroupTargetAssignmentMemberKey
>
export type ConsumerGroupTargetAssignmentMemberValue = ValueOf<
  typeof consumerGroupTargetAssignmentMemberValue
>
