import { data, int16, type ValueOf } from '../../schema.ts'

export const controlRecordTypeSchema = data({
  name: 'ControlRecordTypeSchema',
  versions: [0, 0],
  flexible: null,
  fields: { type: int16 },
})

export type ControlRecordTypeSchema = ValueOf<typeof controlRecordTypeSchema>
