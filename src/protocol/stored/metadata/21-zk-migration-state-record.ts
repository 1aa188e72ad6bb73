import { data, int8, type ValueOf } from '../../schema.ts'

/** Record type 21 of `__cluster_metadata`: zk migration. */
export const zkMigrationStateRecord = data({
  name: 'ZkMigrationStateRecord',
  key: 21,
  versions: [0, 0],
  flexible: 0,
  fields: { zkMigrationState: int8 },
})

export type ZkMigrationStateRecord = ValueOf<typeof zkMigrationStateRecord>
