import { data, int16, type ValueOf } from '../../schema.ts'

export const snapshotFooterRecord = data({
  name: 'SnapshotFooterRecord',
  versions: [0, 0],
  flexible: 0,
  fields: { version: int16 },
})

export type SnapshotFooterRecord = ValueOf<typeof snapshotFooterRecord>
