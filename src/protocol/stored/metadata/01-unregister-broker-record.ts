import { data, int32, int64, type ValueOf } from '../../schema.ts'

/** Record type 1 of `__cluster_metadata`: unregister broker. */
export const unregisterBrokerRecord = data({
  name: 'UnregisterBrokerRecord',
  key: 1,
  versions: [0, 0],
  flexible: 0,
  fields: { brokerId: int32, brokerEpoch: int64 },
})

export type UnregisterBrokerRecord = ValueOf<typeof unregisterBrokerRecord>
