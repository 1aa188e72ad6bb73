import { data, int32, type ValueOf } from '../../schema.ts'

/** Record type 29 of `__cluster_metadata`: unregister controller. */
export const unregisterControllerRecord = data({
  name: 'UnregisterControllerRecord',
  key: 29,
  versions: [0, 0],
  flexible: 0,
  fields: { controllerId: int32 },
})

export type UnregisterControllerRecord = ValueOf<typeof unregisterControllerRecord>
