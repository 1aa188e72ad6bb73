import { data, type ValueOf } from '../../schema.ts'

/** Record type 24 of `__cluster_metadata`: end transaction. */
export const endTransactionRecord = data({
  name: 'EndTransactionRecord',
  key: 24,
  versions: [0, 0],
  flexible: 0,
  fields: {},
})

export type EndTransactionRecord = ValueOf<typeof endTransactionRecord>
