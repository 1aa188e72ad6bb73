import {
  array,
  bool,
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

export const remoteLogSegmentMetadataRecord = data({
  name: 'RemoteLogSegmentMetadataRecord',
  key: 0,
  versions: [0, 0],
  flexible: 0,
  fields: {
    remoteLogSegmentId: struct({
      topicIdPartition: struct({ name: string, id: uuid, partition: int32 }),
      id: uuid,
    }),
    startOffset: int64,
    endOffset: int64,
    brokerId: int32,
    maxTimestampMs: int64,
    eventTimestampMs: int64,
    segmentLeaderEpochs: array({ leaderEpoch: int32, offset: int64 }),
    segmentSizeInBytes: int32,
    customMetadata: bytes.nullable().default(null),
    remoteLogSegmentState: int8,
    txnIndexEmpty: bool.tagged(0),
  },
})

export type RemoteLogSegmentMetadataRecord = ValueOf<typeof remoteLogSegmentMetadataRecord>
