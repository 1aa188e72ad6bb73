import { data, int32, int64, type ValueOf } from '../../schema.ts'

/** Record type 7 of `__cluster_metadata`: fence broker. */
export const fenceBrokerRecord = data({
  name: 'FenceBrokerRecord',
  key: 7,
  versions: [0, 0],
  flexible: 0,
  fields: { id: int32, epoch: int64 },
})

export type FenceBrokerRecord = ValueOf<typeof fenceBrokerRecord>
