import { array, data, int8, int16, int32, int64, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 1 of `__share_group_state`: share update. */
export const shareUpdateKey = data({
  name: 'ShareUpdateKey',
  key: 1,
  versions: [0, 0],
  flexible: null,
  fields: { groupId: string, topicId: uuid, partition: int32 },
})

export const shareUpdateValue = data({
  name: 'ShareUpdateValue',
  key: 1,
  versions: [0, 0],
  flexible: 0,
  fields: {
    snapshotEpoch: int32,
    leaderEpoch: int32,
    startOffset: int64,
    deliveryCompleteCount: int32.default(-1).tagged(0),
    stateBatches: array({
      firstOffset: int64,
      lastOffset: int64,
      deliveryState: int8,
      deliveryCount: int16,
    }),
  },
})

export type ShareUpdateKey = ValueOf<typeof shareUpdateKey>
export type ShareUpdateValue = ValueOf<typeof shareUpdateValue>
