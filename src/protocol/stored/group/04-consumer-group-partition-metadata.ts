import { array, data, int32, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 4 of `__consumer_offsets`: consumer group partition metadata. */
export const consumerGroupPartitionMetadataKey = data({
  name: 'ConsumerGroupPartitionMetadataKey',
  key: 4,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})

export const consumerGroupPartitionMetadataValue = data({
  name: 'ConsumerGroupPartitionMetadataValue',
  key: 4,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topics: array({
      topicId: uuid,
      topicName: string,
      numPartitions: int32,
      partitionMetadata: array({ partition: int32, racks: array(string) }),
    }),
  },
})

export type ConsumerGroupPartitionMetadataKey = ValueOf<typeof consumerGroupPartitionMetadataKey>
export type ConsumerGroupPartitionMetadataValue = ValueOf<
  typeof consumerGroupPartitionMetadataValue
>
