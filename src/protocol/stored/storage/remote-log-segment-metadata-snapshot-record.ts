import { array, bool, bytes, data, int8, int32, int64, uuid, type ValueOf } from '../../schema.ts'

export const remoteLogSegmentMetadataSnapshotRecord = data({
  name: 'RemoteLogSegmentMetadataSnapshotRecord',
  key: 3,
  versions: [0, 0],
  flexible: 0,
  fields: {
    segmentId: uuid,
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

export type RemoteLogSegmentMetadataSnapshotRecord = ValueOf<
  typeof remoteLogSegmentMetadataSnapshotRecord
>
