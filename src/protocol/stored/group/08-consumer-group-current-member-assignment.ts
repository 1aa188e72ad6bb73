import { array, data, int8, int32, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 8 of `__consumer_offsets`: consumer group current member assignment. */
export const consumerGroupCurrentMemberAssignmentKey = data({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  key: 8,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})
const topicPartitionsFields = {
  topicId: uuid,
  partitions: array(int32),
  assignmentEpochs: array(int32).nullable().tagged(0),
}

export const consumerGroupCurrentMemberAssignmentValue = data({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  key: 8,
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(topicPartitionsFields),
    partitionsPendingRevocation: array(topicPartitionsFields),
  },
})

export type ConsumerGroupCurrentMemberAssignmentKey = ValueOf<
  typeof consumerGroupCurrentMemberAssignmentKey
>
export type ConsumerGroupCurrentMemberAssignmentValue = ValueOf<
  typeof consumerGroupCurrentMemberAssignmentValue
>
