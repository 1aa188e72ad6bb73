import { data, int32, int64, string, type ValueOf } from '../../schema.ts'

/** Record type 0 of `__consumer_offsets`: legacy offset commit. */
export const legacyOffsetCommitKey = data({
  name: 'LegacyOffsetCommitKey',
  key: 0,
  versions: [0, 0],
  flexible: null,
  fields: { group: string, topic: string, partition: int32 },
})

export const legacyOffsetCommitValue = data({
  name: 'LegacyOffsetCommitValue',
  key: 0,
  versions: [0, 0],
  flexible: null,
  fields: { offset: int64, metadata: string, commitTimestamp: int64 },
})

export type LegacyOffsetCommitKey = ValueOf<typeof legacyOffsetCommitKey>
export type LegacyOffsetCommitValue = ValueOf<typeof legacyOffsetCommitValue>
