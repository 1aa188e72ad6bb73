import { array, data, int32, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 13 of `__consumer_offsets`: share group target assignment member. */
export const shareGroupTargetAssignmentMemberKey = data({
  name: 'ShareGroupTargetAssignmentMemberKey',
  key: 13,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})

export const shareGroupTargetAssignmentMemberValue = data({
  name: 'ShareGroupTargetAssignmentMemberValue',
  key: 13,
  versions: [0, 0],
  flexible: 0,
  fields: { topicPartitions: array({ topicId: uuid, partitions: array(int32) }) },
})

export type ShareGroupTargetAssignmentMemberKey = ValueOf<
  typeof shareGroupTargetAssignmentMemberKey
>
export type ShareGroupTargetAssignmentMemberValue = ValueOf<
  typeof shareGroupTargetAssignmentMemberValue
>
