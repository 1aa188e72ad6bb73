import { data, int8, string, type ValueOf } from '../../schema.ts'

/** Record type 4 of `__cluster_metadata`: config. */
export const configRecord = data({
  name: 'ConfigRecord',
  key: 4,
  versions: [0, 0],
  flexible: 0,
  fields: { resourceType: int8, resourceName: string, name: string, value: string.nullable() },
})

export type ConfigRecord = ValueOf<typeof configRecord>
