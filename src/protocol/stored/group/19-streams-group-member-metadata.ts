import { array, data, int32, string, struct, uint16, type ValueOf } from '../../schema.ts'

/** Record type 19 of `__consumer_offsets`: streams group member metadata. */
export const streamsGroupMemberMetadataKey = data({
  name: 'StreamsGroupMemberMetadataKey',
  key: 19,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})
const endpointFields = { host: string, port: uint16 }

const keyValueFields = { key: string, value: string }

export const streamsGroupMemberMetadataValue = data({
  name: 'StreamsGroupMemberMetadataValue',
  key: 19,
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: string.nullable(),
    rackId: string.nullable(),
    clientId: string,
    clientHost: string,
    rebalanceTimeoutMs: int32.default(-1),
    topologyEpoch: int32,
    processId: string,
    userEndpoint: struct(endpointFields).nullable().default(null),
    clientTags: array(keyValueFields),
  },
})

export type StreamsGroupMemberMetadataKey = ValueOf<typeof streamsGroupMemberMetadataKey>
export type StreamsGroupMemberMetadataValue = ValueOf<typeof streamsGroupMemberMetadataValue>
