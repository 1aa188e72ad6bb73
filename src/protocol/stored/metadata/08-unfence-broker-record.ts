import { data, int32, int64, type ValueOf } from '../../schema.ts'

/** Record type 8 of `__cluster_metadata`: unfence broker. */
export const unfenceBrokerRecord = data({
  name: 'UnfenceBrokerRecord',
  key: 8,
  versions: [0, 0],
  flexible: 0,
  fields: { id: int32, epoch: int64 },
})

export type UnfenceBrokerRecord = ValueOf<typeof unfenceBrokerRecord>
