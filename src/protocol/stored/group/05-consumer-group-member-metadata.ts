import { array, bytes, data, int32, string, struct, type ValueOf } from '../../schema.ts'

/** Record type 5 of `__consumer_offsets`: consumer group member metadata. */
export const consumerGroupMemberMetadataKey = data({
  name: 'ConsumerGroupMemberMetadataKey',
  key: 5,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, memberId: string },
})

export const consumerGroupMemberMetadataValue = data({
  name: 'ConsumerGroupMemberMetadataValue',
  key: 5,
  versions: [0, 0],
  flexible: 0,
  fields: {
    instanceId: string.nullable(),
    rackId: string.nullable(),
    clientId: string,
    clientHost: string,
    subscribedTopicNames: array(string),
    subscribedTopicRegex: string.nullable(),
    rebalanceTimeoutMs: int32.default(-1),
    serverAssignor: string.nullable(),
    classicMemberMetadata: struct({
      sessionTimeoutMs: int32,
      supportedProtocols: array({ name: string, metadata: bytes }),
    })
      .nullable()
      .tagged(0),
  },
})

export type ConsumerGroupMemberMetadataKey = ValueOf<typeof consumerGroupMemberMetadataKey>
export type ConsumerGroupMemberMetadataValue = ValueOf<typeof consumerGroupMemberMetadataValue>
