import { data, int32, type ValueOf } from '../../schema.ts'

export const endTxnMarker = data({
  name: 'EndTxnMarker',
  versions: [0, 0],
  flexible: null,
  fields: { coordinatorEpoch: int32 },
})

export type EndTxnMarker = ValueOf<typeof endTxnMarker>
