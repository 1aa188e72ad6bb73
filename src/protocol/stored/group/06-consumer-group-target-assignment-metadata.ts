import { data, int32, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 6 of `__consumer_offsets`: consumer group target assignment metadata. */
export const consumerGroupTargetAssignmentMetadataKey = data({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  key: 6,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})

export const consumerGroupTargetAssignmentMetadataValue = data({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  key: 6,
  versions: [0, 0],
  flexible: 0,
  fields: { assignmentEpoch: int32, assignmentTimestamp: int64.default(0).tagged(0) },
})

export type ConsumerGroupTargetAssignmentMetadataKey = ValueOf<
  typeof consumerGroupTargetAssignmentMetadataKey
>
export type ConsumerGroupTargetAssignmentMetadataValue = ValueOf<
  typeof consumerGroupTargetAssignmentMetadataValue
>
