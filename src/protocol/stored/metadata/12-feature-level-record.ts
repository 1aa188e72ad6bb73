import { data, int16, string, type ValueOf } from '../../schema.ts'

/** Record type 12 of `__cluster_metadata`: feature level. */
export const featureLevelRecord = data({
  name: 'FeatureLevelRecord',
  key: 12,
  versions: [0, 0],
  flexible: 0,
  fields: { name: string, featureLevel: int16 },
})

export type FeatureLevelRecord = ValueOf<typeof featureLevelRecord>
