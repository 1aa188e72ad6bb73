import { array, bool, data, float64, string, type ValueOf } from '../../schema.ts'

/** Record type 14 of `__cluster_metadata`: client quota. */
export const clientQuotaRecord = data({
  name: 'ClientQuotaRecord',
  key: 14,
  versions: [0, 0],
  flexible: 0,
  fields: {
    entity: array({ entityType: string, entityName: string.nullable() }),
    key: string,
    value: float64,
    remove: bool,
  },
})

export type ClientQuotaRecord = ValueOf<typeof clientQuotaRecord>
