import { data, string, type ValueOf } from '../../schema.ts'

/** Record type 28 of `__cluster_metadata`: clear elr. */
export const clearElrRecord = data({
  name: 'ClearElrRecord',
  key: 28,
  versions: [0, 0],
  flexible: 0,
  fields: { topicName: string },
})

export type ClearElrRecord = ValueOf<typeof clearElrRecord>
