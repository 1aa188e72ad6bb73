import { data, int32, int64Exact, string, type ValueOf } from '../../schema.ts'

/** Record type 3 of `__consumer_offsets`: consumer group metadata. */
export const consumerGroupMetadataKey = data({
  name: 'ConsumerGroupMetadataKey',
  key: 3,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})

export const consumerGroupMetadataValue = data({
  name: 'ConsumerGroupMetadataValue',
  key: 3,
  versions: [0, 0],
  flexible: 0,
  fields: { epoch: int32, metadataHash: int64Exact.default(0n).tagged(0) },
})

export type ConsumerGroupMetadataKey = ValueOf<typeof consumerGroupMetadataKey>
export type ConsumerGroupMetadataValue = ValueOf<typeof consumerGroupMetadataValue>
