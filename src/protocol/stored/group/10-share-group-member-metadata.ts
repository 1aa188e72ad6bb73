import { array, data, string, type ValueOf } from '../../schema.ts'

/** Record type 10 of `__consumer_offsets`: share group member metadata. */
export const shareGroupMemberMetadataKey = data({
  name: 'ShareGroupMemberMetadataKey',
  key: 10,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})

export const shareGroupMemberMetadataValue = data({
  name: 'ShareGroupMemberMetadataValue',
  key: 10,
  versions: [0, 0],
  flexible: 0,
  fields: {
    rackId: string.nullable(),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
  },
})

export type ShareGroupMemberMetadataKey = ValueOf<typeof shareGroupMemberMetadataKey>
export type ShareGroupMemberMetadataValue = ValueOf<typeof shareGroupMemberMetadataValue>
