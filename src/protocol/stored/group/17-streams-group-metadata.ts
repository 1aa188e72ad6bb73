import { array, data, int32, int64Exact, string, type ValueOf } from '../../schema.ts'

/** Record type 17 of `__consumer_offsets`: streams group metadata. */
export const streamsGroupMetadataKey = data({
  name: 'StreamsGroupMetadataKey',
  key: 17,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})
const lastAssignmentConfigFields = { key: string, value: string }

export const streamsGroupMetadataValue = data({
  name: 'StreamsGroupMetadataValue',
  key: 17,
  versions: [0, 0],
  flexible: 0,
  fields: {
    epoch: int32,
    metadataHash: int64Exact,
    validatedTopologyEpoch: int32.default(-1).tagged(0),
    lastAssignmentConfigs: array(lastAssignmentConfigFields).nullable().tagged(1),
    storedDescriptionTopologyEpoch: int32.default(-1).tagged(2),
    failedDescriptionTopologyEpoch: int32.default(-1).tagged(3),
  },
})

export type StreamsGroupMetadataKey = ValueOf<typeof streamsGroupMetadataKey>
export type StreamsGroupMetadataValue = ValueOf<typeof streamsGroupMetadataValue>
