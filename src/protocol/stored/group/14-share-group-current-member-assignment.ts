import { array, data, int8, int32, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 14 of `__consumer_offsets`: share group current member assignment. */
export const shareGroupCurrentMemberAssignmentKey = data({
  name: 'ShareGroupCurrentMemberAssignmentKey',
  key: 14,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})
const topicPartitionsFields = { topicId: uuid, partitions: array(int32) }

export const shareGroupCurrentMemberAssignmentValue = data({
  name: 'ShareGroupCurrentMemberAssignmentValue',
  key: 14,
  versions: [0, 0],
  flexible: 0,
  fields: {
    memberEpoch: int32,
    previousMemberEpoch: int32,
    state: int8,
    assignedPartitions: array(topicPartitionsFields),
  },
})

export type ShareGroupCurrentMemberAssignmentKey = ValueOf<
  typeof shareGroupCurrentMemberAssignmentKey
>
export type ShareGroupCurrentMemberAssignmentValue = ValueOf<
  typeof shareGroupCurrentMemberAssignmentValue
>
