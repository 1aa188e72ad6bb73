import { data, string, type ValueOf } from '../../schema.ts'

/** Record type 25 of `__cluster_metadata`: abort transaction. */
export const abortTransactionRecord = data({
  name: 'AbortTransactionRecord',
  key: 25,
  versions: [0, 0],
  flexible: 0,
  fields: { reason: string.nullable().default(null).tagged(0) },
})

export type AbortTransactionRecord = ValueOf<typeof abortTransactionRecord>
