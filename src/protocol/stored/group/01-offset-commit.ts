import { data, int32, int64, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 1 of `__consumer_offsets`: offset commit. */
export const offsetCommitKey = data({
  name: 'OffsetCommitKey',
  key: 1,
  versions: [0, 0],
  flexible: null,
  fields: { group: string, topic: string, partition: int32 },
})

export const offsetCommitValue = data({
  name: 'OffsetCommitValue',
  key: 1,
  versions: [0, 4],
  flexible: 4,
  fields: {
    offset: int64,
    leaderEpoch: int32.default(-1).since(3),
    metadata: string,
    commitTimestamp: int64,
    expireTimestamp: int64.default(-1).since(1).until(1),
    topicId: uuid.since(4).tagged(0),
  },
})

export type OffsetCommitKey = ValueOf<typeof offsetCommitKey>
export type OffsetCommitValue = ValueOf<typeof offsetCommitValue>
