import { data, int32, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 12 of `__consumer_offsets`: share group target assignment metadata. */
export const shareGroupTargetAssignmentMetadataKey = data({
  name: 'ShareGroupTargetAssignmentMetadataKey',
  key: 12,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})

export const shareGroupTargetAssignmentMetadataValue = data({
  name: 'ShareGroupTargetAssignmentMetadataValue',
  key: 12,
  versions: [0, 0],
  flexible: 0,
  fields: { assignmentEpoch: int32, assignmentTimestamp: int64.default(0).tagged(0) },
})

export type ShareGroupTargetAssignmentMetadataKey = ValueOf<
  typeof shareGroupTargetAssignmentMetadataKey
>
export type ShareGroupTargetAssignmentMetadataValue = ValueOf<
  typeof shareGroupTargetAssignmentMetadataValue
>
