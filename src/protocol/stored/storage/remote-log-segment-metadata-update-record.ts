import {
  bytes,
  data,
  int8,
  int32,
  int64,
  string,
  struct,
  uuid,
  type ValueOf,
} from '../../schema.ts'

export const remoteLogSegmentMetadataUpdateRecord = data({
  name: 'RemoteLogSegmentMetadataUpdateRecord',
  key: 1,
  versions: [0, 0],
  flexible: 0,
  fields: {
    remoteLogSegmentId: struct({
      topicIdPartition: struct({ name: string, id: uuid, partition: int32 }),
      id: uuid,
    }),
    brokerId: int32,
    eventTimestampMs: int64,
    customMetadata: bytes.nullable().default(null),
    remoteLogSegmentState: int8,
  },
})

export type RemoteLogSegmentMetadataUpdateRecord = ValueOf<
  typeof remoteLogSegmentMetadataUpdateRecord
>
