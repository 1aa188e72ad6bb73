import { data, int8, string, uuid, type ValueOf } from '../../schema.ts'

/** Record type 18 of `__cluster_metadata`: access control entry. */
export const accessControlEntryRecord = data({
  name: 'AccessControlEntryRecord',
  key: 18,
  versions: [0, 0],
  flexible: 0,
  fields: {
    id: uuid,
    resourceType: int8,
    resourceName: string,
    patternType: int8,
    principal: string,
    host: string,
    operation: int8,
    permissionType: int8,
  },
})

export type AccessControlEntryRecord = ValueOf<typeof accessControlEntryRecord>
