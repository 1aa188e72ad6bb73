import { array, data, int8, int16, int32, int64, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 0 of `__share_group_state`: share snapshot. */
export const shareSnapshotKey = data({
  name: 'ShareSnapshotKey',
  key: 0,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, topicId: uuid, partition: int32 },
})

export const shareSnapshotValue = data({
  name: 'ShareSnapshotValue',
  key: 0,
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32,
    stateEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64,
    deliveryCompleteCount: int32.default(-1).tagged(0),
    createTimestamp: int64,
    writeTimestamp: int64,
    stateBatches: array({
      firstOffset: int64,
      lastOffset: int64,
      deliveryState: int8,
      deliveryCount: int16,
    }),
  },
})

export type ShareSnapshotKey = ValueOf<typeof shareSnapshotKey>
export type ShareSnapshotValue = ValueOf<typeof shareSnapshotValue>
