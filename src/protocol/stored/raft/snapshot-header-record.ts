import { data, int16, int64, type ValueOf } from '../../schema.ts'

export const snapshotHeaderRecord = data({
  name: 'SnapshotHeaderRecord',
  versions: [0, 0],
  flexible: 0,
  fields: { version: int16, lastContainedLogTimestamp: int64 },
})

export type SnapshotHeaderRecord = ValueOf<typeof snapshotHeaderRecord>
