import { array, data, int8, int32, int64, uuid, type ValueOf } from '../../schema.ts'

/** Record type 17 of `__cluster_metadata`: broker registration change. */
export const brokerRegistrationChangeRecord = data({
  name: 'BrokerRegistrationChangeRecord',
  key: 17,
  versions: [0, 3],
  flexible: 0,
  fields: {
    brokerId: int32,
    brokerEpoch: int64,
    fenced: int8.tagged(0),
    inControlledShutdown: int8.since(1).tagged(1),
    logDirs: array(uuid).since(2).tagged(2),
    cordonedLogDirs: array(uuid).nullable().default(null).since(3).tagged(3),
  },
})

export type BrokerRegistrationChangeRecord = ValueOf<typeof brokerRegistrationChangeRecord>
