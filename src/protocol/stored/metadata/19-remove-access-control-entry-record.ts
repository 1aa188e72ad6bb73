import { data, uuid, type ValueOf } from '../../schema.ts'

/** Record type 19 of `__cluster_metadata`: remove access control entry. */
export const removeAccessControlEntryRecord = data({
  name: 'RemoveAccessControlEntryRecord',
  key: 19,
  versions: [0, 0],
  flexible: 0,
  fields: { id: uuid },
})

export type RemoveAccessControlEntryRecord = ValueOf<typeof removeAccessControlEntryRecord>
