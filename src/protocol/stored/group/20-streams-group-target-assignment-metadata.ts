import { data, int32, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 20 of `__consumer_offsets`: streams group target assignment metadata. */
export const streamsGroupTargetAssignmentMetadataKey = data({
  name: 'StreamsGroupTargetAssignmentMetadataKey',
  key: 20,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})

export const streamsGroupTargetAssignmentMetadataValue = data({
  name: 'StreamsGroupTargetAssignmentMetadataValue',
  key: 20,
  versions: [0, 0],
  flexible: 0,
  fields: { assignmentEpoch: int32, assignmentTimestamp: int64.default(0).tagged(0) },
})

export type StreamsGroupTargetAssignmentMetadataKey = ValueOf<
  typeof streamsGroupTargetAssignmentMetadataKey
>
export type StreamsGroupTargetAssignmentMetadataValue = ValueOf<
  typeof streamsGroupTargetAssignmentMetadataValue
>
