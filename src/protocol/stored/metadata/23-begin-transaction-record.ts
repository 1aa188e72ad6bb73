import { data, string, type ValueOf } from '../../schema.ts'

/** Record type 23 of `__cluster_metadata`: begin transaction. */
export const beginTransactionRecord = data({
  name: 'BeginTransactionRecord',
  key: 23,
  versions: [0, 0],
  flexible: 0,
  fields: { name: string.nullable().default(null).tagged(0) },
})

export type BeginTransactionRecord = ValueOf<typeof beginTransactionRecord>
