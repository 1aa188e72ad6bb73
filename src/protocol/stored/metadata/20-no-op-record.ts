import { data, type ValueOf } from '../../schema.ts'

/** Record type 20 of `__cluster_metadata`: no op. */
export const noOpRecord = data({
  name: 'NoOpRecord',
  key: 20,
  versions: [0, 0],
  flexible: 0,
  fields: {},
})

export type NoOpRecord = ValueOf<typeof noOpRecord>
