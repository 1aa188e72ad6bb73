import { data, int64, type ValueOf } from '../../schema.ts'

export const abortedTxn = data({
  name: 'AbortedTxn',
  versions: [0, 0],
  flexible: null,
  fields: { producerId: int64, firstOffset: int64, lastOffset: int64, lastStableOffset: int64 },
})

export type AbortedTxn = ValueOf<typeof abortedTxn>
