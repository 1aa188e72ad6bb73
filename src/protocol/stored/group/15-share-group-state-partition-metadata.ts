import { array, data, int32, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 15 of `__consumer_offsets`: share group state partition metadata. */
export const shareGroupStatePartitionMetadataKey = data({
  name: 'ShareGroupStatePartitionMetadataKey',
  key: 15,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string },
})
const topicInfoFields = { topicId: uuid, topicName: string }

const topicPartitionsInfoFields = { topicId: uuid, topicName: string, partitions: array(int32) }

export const shareGroupStatePartitionMetadataValue = data({
  name: 'ShareGroupStatePartitionMetadataValue',
  key: 15,
  versions: [0, 0],
  flexible: 0,
  fields: {
    initializingTopics: array(topicPartitionsInfoFields),
    initializedTopics: array(topicPartitionsInfoFields),
    deletingTopics: array(topicInfoFields),
  },
})

export type ShareGroupStatePartitionMetadataKey = ValueOf<
  typeof shareGroupStatePartitionMetadataKey
>
export type ShareGroupStatePartitionMetadataValue = ValueOf<
  typeof shareGroupStatePartitionMetadataValue
>
