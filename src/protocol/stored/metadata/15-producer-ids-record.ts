import { data, int32, int64, type ValueOf } from '../../schema.ts'

/** Record type 15 of `__cluster_metadata`: producer ids. */
export const producerIdsRecord = data({
  name: 'ProducerIdsRecord',
  key: 15,
  versions: [0, 0],
  flexible: 0,
  fields: { brokerId: int32, brokerEpoch: int64.default(-1), nextProducerId: int64 },
})

export type ProducerIdsRecord = ValueOf<typeof producerIdsRecord>
