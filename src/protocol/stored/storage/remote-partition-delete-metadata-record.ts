import { data, int8, int32, int64, string, struct, uuid, type ValueOf } from '../../schema.ts'

export const remotePartitionDeleteMetadataRecord = data({
  name: 'RemotePartitionDeleteMetadataRecord',
  key: 2,
  versions: [0, 0],
  flexible: 0,
  fields: {
    topicIdPartition: struct({ name: string, id: uuid, partition: int32 }),
    brokerId: int32,
    eventTimestampMs: int64,
    remotePartitionDeleteState: int8,
  },
})

export type RemotePartitionDeleteMetadataRecord = ValueOf<
  typeof remotePartitionDeleteMetadataRecord
>
