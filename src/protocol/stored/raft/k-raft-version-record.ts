import { data, int16, type ValueOf } from '../../schema.ts'

export const kRaftVersionRecord = data({
  name: 'KRaftVersionRecord',
  versions: [0, 0],
  flexible: 0,
  fields: { version: int16, kRaftVersion: int16 },
})

export type KRaftVersionRecord = ValueOf<typeof kRaftVersionRecord>
